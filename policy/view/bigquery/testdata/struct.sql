-- Made by Cadastre. What is changed here is reported and put back.
-- base: bigquery/house.raw.customers
-- audience: analysts
-- allow: contact.city
-- mask null: contact.home.street
SELECT
  IF(base.`contact` IS NULL, NULL, STRUCT(
    base.`contact`.`city` AS `city`,
    IF(base.`contact`.`home` IS NULL, NULL, STRUCT(
      CAST(NULL AS STRING) AS `street`)) AS `home`)) AS `contact`
FROM `house`.`raw`.`customers` AS base
