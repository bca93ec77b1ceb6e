SELECT
  c.customer_id,
  k.contract_id,
  k.tariff,
  k.start_date,
  COALESCE(k.billing_email, c.contact.email) AS billing_email
FROM `lumen-prod.raw.customers` AS c, UNNEST(c.contracts) AS k
WHERE k.end_date IS NULL
