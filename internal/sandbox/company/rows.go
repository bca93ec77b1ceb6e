package company

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// row is one row as tabledata.insertAll takes it.
type row = map[string]any

// firstDay is the day before which nothing happens; all moments follow from
// it, so that the rows are the same at every start.
func firstDay() time.Time { return time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC) }

// How many of each there are, beside what follows from the customers.
const (
	customerCount = 120
	ticketCount   = 80
	sessionCount  = 100
	readingDays   = 4
)

// generator makes the rows. Each kind draws from a source of its own, so that
// more of one does not change another.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(2026, seed))} }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) digits(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(byte('0' + g.IntN(10)))
	}
	return b.String()
}

func (g generator) moment(days int) time.Time {
	return firstDay().Add(time.Duration(g.IntN(days*24*3600)) * time.Second)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func given() []string {
	return []string{
		"Amelia", "Bruno", "Chiara", "Dmitri", "Elsa", "Farid", "Greta", "Hugo", "Imani", "Jonas", "Keiko", "Liam",
		"Marta", "Nadia", "Omar", "Petra", "Quentin", "Rosa", "Stefan", "Tara", "Ulrich", "Vera", "Wanda", "Yusuf",
	}
}

func family() []string {
	return []string{
		"Abbott", "Bianchi", "Castellan", "Duarte", "Eriksen", "Fontaine", "Grunwald", "Haddad", "Iversen", "Jansky",
		"Kowal", "Larkspur", "Moreau", "Novak", "Oakes", "Pereira", "Quist", "Rowntree", "Sorensen", "Thackeray",
	}
}

// towns are cities with their postcode areas and where they roughly are.
func towns() []struct {
	city, area string
	lat, lon   float64
} {
	return []struct {
		city, area string
		lat, lon   float64
	}{
		{"Bath", "BA", 51.38, -2.36},
		{"York", "YO", 53.96, -1.08},
		{"Leeds", "LS", 53.80, -1.55},
		{"Exeter", "EX", 50.72, -3.53},
		{"Norwich", "NR", 52.63, 1.30},
		{"Dundee", "DD", 56.46, -2.97},
	}
}

func customerRows() []row {
	g := newGenerator(1)
	rows := make([]row, customerCount)
	for i := range rows {
		name, surname := given()[g.IntN(len(given()))], family()[g.IntN(len(family()))]
		mail := fmt.Sprintf("%s.%s%d@%s", strings.ToLower(name), strings.ToLower(surname), i, g.one("example.org", "example.net", "example.com"))
		segment := "HOUSEHOLD"
		if i%7 == 3 {
			segment = g.one("SMALL_BUSINESS", "INDUSTRY")
		}
		r := row{
			"customer_id": customerID(i), "created_at": stamp(g.moment(30).AddDate(-g.IntN(6), 0, 0)), "segment": segment,
			"full_name": name + " " + surname, "contracts": g.contracts(i, mail), "marketing_consent": g.IntN(3) > 0,
			"last_email_sent_at": stamp(g.moment(60)),
		}
		if segment == "HOUSEHOLD" {
			r["date_of_birth"] = fmt.Sprintf("%d-%02d-%02d", 1945+g.IntN(60), 1+g.IntN(12), 1+g.IntN(28))
		}
		if i%29 != 17 { // a few never said how to reach them
			r["contact"] = g.contact(mail, i)
		}
		rows[i] = r
	}
	return rows
}

func customerID(i int) string { return fmt.Sprintf("C%05d", 10001+i) }
func meterID(i int) string    { return fmt.Sprintf("M-%06d", 500100+i*7) }

func (g generator) contact(mail string, i int) row {
	town := towns()[g.IntN(len(towns()))]
	address := row{
		"street": fmt.Sprintf("%d %s", 1+g.IntN(180), g.one("Mill Lane", "Station Road", "Orchard Close", "Kiln Street", "Harbour View")),
		"city":   town.city, "postcode": fmt.Sprintf("%s%d %dZZ", town.area, 1+g.IntN(20), g.IntN(10)), "country": "GB",
	}
	if i%5 != 0 {
		address["geo"] = row{"lat": town.lat + float64(g.IntN(1000))/20000, "lon": town.lon + float64(g.IntN(1000))/20000}
	}
	contact := row{"phone": "+44 7700 900" + g.digits(3), "address": address}
	if i%11 != 4 {
		contact["email"] = mail
	}
	return contact
}

func (g generator) contracts(i int, mail string) []any {
	contracts := []any{}
	if i%23 == 9 {
		return contracts
	}
	for n := range 1 + g.IntN(3) {
		c := row{
			"contract_id": fmt.Sprintf("K%05d-%d", 10001+i, n+1), "meter_id": meterID(i),
			"tariff":     g.one("Fix 12", "Fix 24", "Day & Night", "Green Flow"),
			"start_date": fmt.Sprintf("%d-%02d-01", 2019+2*n, 1+g.IntN(12)),
		}
		if n == 0 && i%2 == 0 {
			c["end_date"] = fmt.Sprintf("%d-12-31", 2020+g.IntN(3))
		}
		if i%6 == 1 {
			c["billing_email"] = "bills+" + mail
		}
		contracts = append(contracts, c)
	}
	return contracts
}

func readingRows() []row {
	g := newGenerator(2)
	var rows []row
	for i := range customerCount {
		for day := range readingDays {
			rows = append(rows, row{
				"reading_id": fmt.Sprintf("R%07d", i*readingDays+day), "meter_id": meterID(i), "customer_id": customerID(i),
				"read_at": stamp(firstDay().AddDate(0, 0, day).Add(time.Duration(g.IntN(86400)) * time.Second)),
				"kwh":     float64(g.IntN(300)) / 8, // eighths, so that sums are exact
				"device":  row{"serial": meterID(i), "firmware": g.one("2.1.0", "2.1.4", "3.0.1"), "ip_address": "198.51.100." + strconv.Itoa(g.IntN(256))},
			})
		}
	}
	return rows
}

func paymentRows() []row {
	g := newGenerator(3)
	var rows []row
	for i, c := range customerRows() {
		for n := range 1 + g.IntN(3) {
			pence := 2000 + g.IntN(20000)
			part := pence / 3
			r := row{
				"payment_id": fmt.Sprintf("P%05d-%d", 10001+i, n+1), "customer_id": customerID(i), "paid_at": stamp(g.moment(90)),
				"amount": pounds(pence), "currency": "GBP",
				"lines": []any{row{"invoice_id": "I" + g.digits(6), "amount": pounds(part)}, row{"invoice_id": "I" + g.digits(6), "amount": pounds(pence - part)}},
			}
			switch n % 3 {
			case 0:
				r["method"], r["iban"] = "DEBIT", iban(g.digits(14))
			case 1:
				r["method"] = "CARD"
				r["card"] = row{"holder": c["full_name"], "pan": luhn("400000" + g.digits(9)), "expiry": fmt.Sprintf("%02d/%d", 1+g.IntN(12), 27+g.IntN(4))}
			default:
				r["method"], r["iban"] = "TRANSFER", iban(g.digits(14))
			}
			rows = append(rows, r)
		}
	}
	return rows
}

func pounds(pence int) string { return fmt.Sprintf("%d.%02d", pence/100, pence%100) }

// iban is a well-formed account number of a bank that does not exist.
func iban(account string) string {
	rest := 0
	for _, c := range "LUMN" + account + "GB00" {
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		default:
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return fmt.Sprintf("GB%02dLUMN%s", 98-rest, account)
}

// luhn adds the check digit to a card's number.
func luhn(digits string) string {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return digits + strconv.Itoa((10-sum%10)%10)
}

func ticketRows() []row {
	g := newGenerator(4)
	customers := customerRows()
	rows := make([]row, ticketCount)
	for i := range rows {
		n := g.IntN(len(customers))
		name := customers[n]["full_name"].(string)
		rows[i] = row{
			"ticket_id": fmt.Sprintf("T%05d", 70001+i), "customer_id": customerID(n), "opened_at": stamp(g.moment(90)),
			"channel": g.one("email", "phone", "portal"), "subject": g.one("Wrong bill", "Moving house", "Meter shows nothing", "Change of tariff"),
			"body": fmt.Sprintf("Hello, my name is %s. %s Please call me on +44 7700 900%s.", name,
				g.one("My last bill is twice the usual.", "I move out at the end of the month.", "The display has been dark since Monday."), g.digits(3)),
			"agent_note": g.one("Caller was upset, be kind.", "Pays late, check before any promise.", "Has a medical device at home."),
			"labels":     []any{g.one("billing", "grid", "sales"), g.one("first", "repeat")},
		}
	}
	return rows
}

func sessionRows() []row {
	g := newGenerator(5)
	rows := make([]row, sessionCount)
	for i := range rows {
		began := g.moment(90)
		r := row{
			"session_id": fmt.Sprintf("S%06d", 880001+i), "started_at": stamp(began), "ip_address": "203.0.113." + strconv.Itoa(g.IntN(256)),
			"user_agent": g.one("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (Macintosh)", "LumenApp/4.2"),
			"pages": []any{
				row{"path": "/", "viewed_at": stamp(began)},
				row{"path": g.one("/bills", "/meter", "/help"), "viewed_at": stamp(began.Add(40 * time.Second))},
			},
		}
		if i%3 > 0 {
			r["customer_id"] = customerID(g.IntN(customerCount))
		}
		rows[i] = r
	}
	return rows
}
