SELECT
  DATE_TRUNC(DATE(p.paid_at), MONTH) AS month,
  c.segment,
  SUM(p.amount) AS revenue,
  COUNT(DISTINCT p.customer_id) AS customers
FROM `lumen-prod.core.payments` AS p
JOIN `lumen-prod.core.customers` AS c USING (customer_id)
GROUP BY month, segment
