-- Made by Cadastre. What is changed here is reported and put back.
-- base: bigquery/house.raw.customers
-- audience: analysts
-- allow: tags
-- mask hash: phones
-- mask null: notes
SELECT
  base.`tags` AS `tags`,
  IF(base.`phones` IS NULL, NULL, ARRAY(SELECT TO_HEX(SHA256(CONCAT(key1.opad, SHA256(CONCAT(key1.ipad, CAST(CONCAT('phone|', REGEXP_REPLACE(REGEXP_REPLACE(REPLACE(item1, '(0)', ''), r'[^0-9]', ''), r'^00', '')) AS BYTES)))))) FROM UNNEST(base.`phones`) AS item1 WITH OFFSET AS at1 ORDER BY at1)) AS `phones`,
  CAST(NULL AS ARRAY<STRING>) AS `notes`
FROM `house`.`raw`.`customers` AS base
CROSS JOIN (SELECT ipad, opad FROM `house`.`cadastre_keys`.`pads` WHERE id = 'phone/1' LIMIT 1) AS key1
