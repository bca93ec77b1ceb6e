-- email STRING
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('email|', LOWER(TRIM(t.`c`))) AS BYTES))))))
-- email INT64
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('email|', LOWER(TRIM(CAST(t.`c` AS STRING)))) AS BYTES))))))
-- phone STRING
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('phone|', REGEXP_REPLACE(REGEXP_REPLACE(REPLACE(t.`c`, '(0)', ''), r'[^0-9]', ''), r'^00', '')) AS BYTES))))))
-- phone INT64
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('phone|', REGEXP_REPLACE(REGEXP_REPLACE(REPLACE(CAST(t.`c` AS STRING), '(0)', ''), r'[^0-9]', ''), r'^00', '')) AS BYTES))))))
-- iban STRING
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('iban|', UPPER(REGEXP_REPLACE(t.`c`, r'[\s-]', ''))) AS BYTES))))))
-- iban INT64
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('iban|', UPPER(REGEXP_REPLACE(CAST(t.`c` AS STRING), r'[\s-]', ''))) AS BYTES))))))
-- card STRING
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('card|', UPPER(REGEXP_REPLACE(t.`c`, r'[\s-]', ''))) AS BYTES))))))
-- card INT64
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('card|', UPPER(REGEXP_REPLACE(CAST(t.`c` AS STRING), r'[\s-]', ''))) AS BYTES))))))
-- id STRING
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('id|', TRIM(t.`c`)) AS BYTES))))))
-- id INT64
TO_HEX(SHA256(CONCAT(k.opad, SHA256(CONCAT(k.ipad, CAST(CONCAT('id|', TRIM(CAST(t.`c` AS STRING))) AS BYTES))))))
