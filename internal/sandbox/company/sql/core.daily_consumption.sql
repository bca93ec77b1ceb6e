CREATE OR REPLACE TABLE `lumen-prod.core.daily_consumption` AS
SELECT
  r.customer_id,
  r.meter_id,
  DATE(r.read_at) AS day,
  SUM(r.kwh) AS kwh,
  COUNT(*) AS readings,
  MAX(r.kwh) AS peak_kwh
FROM `lumen-prod.raw.meter_readings` AS r
JOIN `lumen-prod.raw.customers` AS c ON c.customer_id = r.customer_id
GROUP BY 1, 2, 3
