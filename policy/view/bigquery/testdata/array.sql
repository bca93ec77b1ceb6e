-- Made by Cadastre. What is changed here is reported and put back.
-- base: bigquery/house.raw.customers
-- audience: analysts
-- allow: orders[].sku
-- mask email: orders[].parts[].note
SELECT
  IF(base.`orders` IS NULL, NULL, ARRAY(SELECT IF(item1 IS NULL, NULL, STRUCT(
    item1.`sku` AS `sku`,
    IF(item1.`parts` IS NULL, NULL, ARRAY(SELECT IF(item2 IS NULL, NULL, STRUCT(
      IF(item2.`note` IS NULL, NULL, CONCAT('***', IFNULL(REGEXP_EXTRACT(LOWER(item2.`note`), r'^\s*[^@\s]+(@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})\s*$'), ''))) AS `note`)) FROM UNNEST(item1.`parts`) AS item2 WITH OFFSET AS at2 ORDER BY at2)) AS `parts`)) FROM UNNEST(base.`orders`) AS item1 WITH OFFSET AS at1 ORDER BY at1)) AS `orders`
FROM `house`.`raw`.`customers` AS base
