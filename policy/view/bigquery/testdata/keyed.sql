-- Made by Cadastre. What is changed here is reported and put back.
-- base: bigquery/house.raw.customers
-- audience: analysts
-- mask hash: email
-- mask hash: iban
-- mask hash: other
SELECT
  TO_HEX(SHA256(CONCAT(key1.opad, SHA256(CONCAT(key1.ipad, CAST(CONCAT('email|', LOWER(TRIM(base.`email`))) AS BYTES)))))) AS `email`,
  TO_HEX(SHA256(CONCAT(key2.opad, SHA256(CONCAT(key2.ipad, CAST(CONCAT('iban|', UPPER(REGEXP_REPLACE(base.`iban`, r'[\s-]', ''))) AS BYTES)))))) AS `iban`,
  TO_HEX(SHA256(CONCAT(key1.opad, SHA256(CONCAT(key1.ipad, CAST(CONCAT('email|', LOWER(TRIM(base.`other`))) AS BYTES)))))) AS `other`
FROM `house`.`raw`.`customers` AS base
CROSS JOIN (SELECT ipad, opad FROM `house`.`cadastre_keys`.`pads` WHERE id = 'email/1' LIMIT 1) AS key1
CROSS JOIN (SELECT ipad, opad FROM `house`.`cadastre_keys`.`pads` WHERE id = 'iban/1' LIMIT 1) AS key2
