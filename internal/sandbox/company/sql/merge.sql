MERGE `lumen-prod.core.payments` AS t
USING (
  SELECT payment_id, customer_id, paid_at, amount, method, iban, card.holder AS card_holder, RIGHT(card.pan, 4) AS card_last4
  FROM `lumen-prod.raw.payments`
) AS s
ON t.payment_id = s.payment_id
WHEN MATCHED THEN UPDATE SET amount = s.amount, iban = s.iban
WHEN NOT MATCHED THEN INSERT (payment_id, customer_id, paid_at, amount, method, iban, card_holder, card_last4)
  VALUES (s.payment_id, s.customer_id, s.paid_at, s.amount, s.method, s.iban, s.card_holder, s.card_last4)
