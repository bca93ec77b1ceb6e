SELECT
  customer_id,
  day,
  kwh,
  ROW_NUMBER() OVER (PARTITION BY day ORDER BY kwh DESC) AS place
FROM `lumen-prod.core.daily_consumption`
QUALIFY place <= 10
