-- Made by Cadastre. What is changed here is reported and put back.
-- base: bigquery/house.raw.customers
-- audience: analysts
-- allow: select
-- allow: base
-- allow: item1.a b
-- allow: at1[].key1_
SELECT
  base__.`select` AS `select`,
  base__.`base` AS `base`,
  IF(base__.`item1` IS NULL, NULL, STRUCT(
    base__.`item1`.`a b` AS `a b`)) AS `item1`,
  IF(base__.`at1` IS NULL, NULL, ARRAY(SELECT IF(item1__ IS NULL, NULL, STRUCT(
    item1__.`key1_` AS `key1_`)) FROM UNNEST(base__.`at1`) AS item1__ WITH OFFSET AS at1__ ORDER BY at1__)) AS `at1`
FROM `house`.`raw`.`customers` AS base__
