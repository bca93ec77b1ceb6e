WITH paid AS (
  SELECT customer_id, SUM(amount) AS total_paid, COUNT(*) AS payments, MAX(paid_at) AS last_paid_at
  FROM `lumen-prod.core.payments`
  GROUP BY customer_id
)
SELECT
  TO_HEX(SHA256(c.email)) AS customer_key,
  c.segment,
  c.city,
  p.total_paid,
  p.payments,
  p.last_paid_at,
  RANK() OVER (PARTITION BY c.city ORDER BY p.total_paid DESC) AS rank_in_city
FROM `lumen-prod.core.customers` AS c
JOIN paid AS p USING (customer_id)
