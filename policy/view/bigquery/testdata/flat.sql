-- Made by Cadastre. What is changed here is reported and put back.
-- base: bigquery/house.raw.customers
-- audience: analysts
-- allow: id
-- mask email: email
-- mask null: born
SELECT
  base.`id` AS `id`,
  IF(base.`email` IS NULL, NULL, CONCAT('***', IFNULL(REGEXP_EXTRACT(LOWER(base.`email`), r'^\s*[^@\s]+(@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})\s*$'), ''))) AS `email`,
  CAST(NULL AS DATE) AS `born`
FROM `house`.`raw`.`customers` AS base
