SELECT segment, COUNT(*) AS customers, AVG(contract_count) AS contracts
FROM `lumen-prod.core.customers`
GROUP BY segment
