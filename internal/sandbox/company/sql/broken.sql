SELECT customer_id, SUM(amount AS total
FROM `lumen-prod.core.payments`
GROUP BY customer_id
