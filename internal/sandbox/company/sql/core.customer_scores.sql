CREATE OR REPLACE TABLE `lumen-prod.core.customer_scores` AS
SELECT
  customer_id,
  email,
  `lumen-prod.ml.churn_score`(segment, contract_count, city) AS churn_score
FROM `lumen-prod.core.customers`
