SELECT
  customer_id,
  full_name,
  contact.email AS email,
  contact.phone AS phone,
  contact.address.city AS city,
  contact.address.postcode AS postcode,
  EXTRACT(YEAR FROM date_of_birth) AS birth_year,
  segment,
  ARRAY_LENGTH(contracts) AS contract_count,
  (SELECT MIN(c.start_date) FROM UNNEST(contracts) AS c) AS customer_since
FROM `lumen-prod.raw.customers`
