package company

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"time"
)

// The rows below are what the scheduled SQL makes of the raw ones. They are
// made here a second time so that a warehouse is full before any query has
// run; a test runs the SQL and compares.

// text is a field that may be missing.
func text(r row, path ...string) any {
	var value any = r
	for _, name := range path {
		inner, ok := value.(row)
		if !ok {
			return nil
		}
		value = inner[name]
	}
	return value
}

func coreCustomerRows() []row {
	var rows []row
	for _, c := range customerRows() {
		contracts, _ := c["contracts"].([]any)
		r := row{
			"customer_id": c["customer_id"], "full_name": c["full_name"], "segment": c["segment"], "contract_count": len(contracts),
			"email": text(c, "contact", "email"), "phone": text(c, "contact", "phone"),
			"city": text(c, "contact", "address", "city"), "postcode": text(c, "contact", "address", "postcode"),
		}
		if born, ok := c["date_of_birth"].(string); ok {
			r["birth_year"], _ = strconv.Atoi(born[:4])
		}
		for _, k := range contracts {
			start := k.(row)["start_date"].(string)
			if since, ok := r["customer_since"].(string); !ok || start < since {
				r["customer_since"] = start
			}
		}
		rows = append(rows, r)
	}
	return rows
}

func corePaymentRows() []row {
	var rows []row
	for _, p := range paymentRows() {
		r := row{"card_holder": text(p, "card", "holder")}
		for _, name := range []string{"payment_id", "customer_id", "paid_at", "amount", "method", "iban"} {
			r[name] = p[name]
		}
		if pan, ok := text(p, "card", "pan").(string); ok {
			r["card_last4"] = pan[len(pan)-4:]
		}
		rows = append(rows, r)
	}
	return rows
}

func dailyConsumptionRows() []row {
	type key struct{ customer, meter, day string }
	groups := map[key]row{}
	for _, r := range readingRows() {
		k := key{r["customer_id"].(string), r["meter_id"].(string), r["read_at"].(string)[:len(time.DateOnly)]}
		kwh := r["kwh"].(float64)
		g := groups[k]
		if g == nil {
			g = row{"customer_id": k.customer, "meter_id": k.meter, "day": k.day, "kwh": 0.0, "readings": 0, "peak_kwh": kwh}
			groups[k] = g
		}
		g["kwh"] = g["kwh"].(float64) + kwh
		g["readings"] = g["readings"].(int) + 1
		g["peak_kwh"] = max(g["peak_kwh"].(float64), kwh)
	}
	return sortedBy(slices.Collect(maps.Values(groups)), "customer_id", "day")
}

// sum adds amounts of money exactly.
func sum(a, b string) string {
	left, _ := new(big.Rat).SetString(a)
	right, _ := new(big.Rat).SetString(b)
	return new(big.Rat).Add(left, right).FloatString(2)
}

func less(a, b string) bool {
	left, _ := new(big.Rat).SetString(a)
	right, _ := new(big.Rat).SetString(b)
	return left.Cmp(right) < 0
}

func customerValueRows() []row {
	paid := map[string]row{}
	for _, p := range corePaymentRows() {
		id, amount := p["customer_id"].(string), p["amount"].(string)
		v := paid[id]
		if v == nil {
			v = row{"total_paid": "0", "payments": 0, "last_paid_at": ""}
			paid[id] = v
		}
		v["total_paid"] = sum(v["total_paid"].(string), amount)
		v["payments"] = v["payments"].(int) + 1
		v["last_paid_at"] = max(v["last_paid_at"].(string), p["paid_at"].(string))
	}
	var rows []row
	for _, c := range coreCustomerRows() {
		v := paid[c["customer_id"].(string)]
		if v == nil {
			continue
		}
		v["segment"], v["city"] = c["segment"], c["city"]
		if mail, ok := c["email"].(string); ok {
			hash := sha256.Sum256([]byte(mail))
			v["customer_key"] = hex.EncodeToString(hash[:])
		}
		rows = append(rows, v)
	}
	for _, v := range rows {
		rank := 1
		for _, other := range rows {
			if other["city"] == v["city"] && less(v["total_paid"].(string), other["total_paid"].(string)) {
				rank++
			}
		}
		v["rank_in_city"] = rank
	}
	return rows
}

func monthlyRevenueRows() []row {
	segments := map[string]string{}
	for _, c := range coreCustomerRows() {
		segments[c["customer_id"].(string)] = c["segment"].(string)
	}
	type key struct{ month, segment string }
	revenue := map[key]string{}
	buyers := map[key]map[string]bool{}
	for _, p := range corePaymentRows() {
		id := p["customer_id"].(string)
		k := key{p["paid_at"].(string)[:len("2006-01")] + "-01", segments[id]}
		if buyers[k] == nil {
			buyers[k], revenue[k] = map[string]bool{}, "0"
		}
		buyers[k][id] = true
		revenue[k] = sum(revenue[k], p["amount"].(string))
	}
	var rows []row
	for k, total := range revenue {
		rows = append(rows, row{"month": k.month, "segment": k.segment, "revenue": total, "customers": len(buyers[k])})
	}
	return sortedBy(rows, "month", "segment")
}

// sortedBy sorts by fields that hold text, as a map gives no order.
func sortedBy(rows []row, names ...string) []row {
	slices.SortFunc(rows, func(a, b row) int {
		for _, name := range names {
			if d := cmp.Compare(a[name].(string), b[name].(string)); d != 0 {
				return d
			}
		}
		return 0
	})
	return rows
}
