SELECT
  c.customer_id,
  c.full_name,
  c.email,
  c.city,
  c.segment,
  COALESCE(SUM(d.kwh), 0) AS kwh_total
FROM `lumen-prod.core.customers` AS c
LEFT JOIN `lumen-prod.core.daily_consumption` AS d ON d.customer_id = c.customer_id
GROUP BY c.customer_id, c.full_name, c.email, c.city, c.segment
