SELECT
  payment_id,
  customer_id,
  paid_at,
  amount,
  method,
  iban,
  card.holder AS card_holder,
  RIGHT(card.pan, 4) AS card_last4
FROM `lumen-prod.raw.payments`
WHERE amount > 0
