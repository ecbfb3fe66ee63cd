package standin

import (
	"fmt"
	"strings"
	"time"
)

// item is a line of a receipt; the price is in cents.
type item struct {
	name     string
	quantity int
	cents    int
}

var goods = []item{
	{"Glass teapot, 1.2 l", 1, 3490},
	{"Walnut pen tray", 1, 2790},
	{"Stone paper notebook, A5", 2, 1450},
	{"Desk lamp Evening", 1, 8900},
	{"Wool rug, 120 x 180", 1, 24900},
	{"Picnic blanket", 1, 3995},
	{"Cable clips, set of 12", 3, 690},
	{"Beeswax candles, pair", 2, 1220},
}

func euros(cents int) string { return fmt.Sprintf("€%d.%02d", cents/100, cents%100) }

// commerce is what shops, utilities and travel agents send.
func commerce() []*mailing {
	var out []*mailing
	receipt := func(m *mailing) {
		m.to = []person{alex}
		m.labels = append([]string{"CATEGORY_UPDATES"}, m.labels...)
		if m.age < 60*day {
			m.labels = append(m.labels, "INBOX")
		}
		m.smart = []string{"purchases"}
		out = append(out, m)
	}
	shop := person{"Brightcart", "orders@brightcart.example"}
	carrier := person{"ParcelWing", "tracking@parcelwing.example"}
	for i := range 10 {
		number := fmt.Sprintf("BC-%d", 774201-i*3119)
		age := time.Duration(5+i*53) * day
		order := &mailing{
			key: fmt.Sprintf("order-%02d", i), age: age, from: shop, labels: []string{"Receipts"},
			subject: encodeSubject("Your Brightcart order " + number + " is confirmed"),
		}
		order.body = func(m *mailing) piece { return orderReceipt(m, number, 1+i%4) }
		receipt(order)
		parcel := &mailing{key: fmt.Sprintf("parcel-%02d", i), age: age - 2*day, from: carrier, subject: "Your parcel from Brightcart arrives tomorrow"}
		parcel.body = func(*mailing) piece {
			return plainText(fmt.Sprintf("Hello Alex Rivera,\n\nyour parcel with order %s arrives tomorrow between 11:00 and 14:00.\n\nTracking number: PW902188300%02d\nhttps://parcelwing.example/t/PW902188300%02d\n\nParcelWing\n", number, 17+i, 17+i))
		}
		receipt(parcel)
	}
	for i := range 19 {
		power := &mailing{
			key: fmt.Sprintf("power-%02d", i), age: time.Duration(8+i*30) * day, from: person{"Lumen Power", "billing@lumenpower.example"},
			labels: []string{"Receipts"}, subject: fmt.Sprintf("Your invoice LP-%d", 202699-i),
		}
		power.body = func(m *mailing) piece { return powerInvoice(m, i) }
		receipt(power)
		if i%2 == 1 {
			continue
		}
		cloud := &mailing{
			key: fmt.Sprintf("cloud-%02d", i), age: time.Duration(12+i*30) * day, from: person{"Cloudnest Billing", "no-reply@cloudnest.example"},
			subject: "Cloudnest invoice for your account harborandpine",
		}
		cloud.body = func(m *mailing) piece {
			rows := []item{{"Compute, 3 servers", 1, 21400 + 1500*((19-i)%5)}, {"Storage", 1, 9120 + 310*i}, {"Log archive", 1, 11250 - 260*i}}
			return htmlPage(receiptPage("Cloudnest", "Invoice CN-"+fmt.Sprint(55120-i)+", "+m.at.Format("January 2006"), rows))
		}
		receipt(cloud)
	}
	return append(out, bookings()...)
}

func orderReceipt(m *mailing, number string, lines int) piece {
	d := seed(m.key, 0)
	var rows []item
	for range lines {
		rows = append(rows, pick(&d, goods))
	}
	return alternative(
		plainText("Thank you for your order "+number+".\n\n"+receiptText(rows)+"\nIt leaves our house within two days.\n\nBrightcart\n"),
		htmlPage(receiptPage("Brightcart", "Order "+number+", "+m.at.Format("2 January 2006"), rows)))
}

func powerInvoice(m *mailing, i int) piece {
	cents := 6180 + (i%12)*455
	text := fmt.Sprintf("Dear Alex Rivera,\n\nyour invoice for %s is attached.\n\nAmount: %s\nDue: in 14 days\nCustomer number: 40077123\n\nThe amount is debited from your account.\n\nLumen Power\n",
		m.at.AddDate(0, -1, 0).Format("January 2006"), euros(cents))
	return mixed(plainText(text), attachment(m.subject[len("Your invoice "):]+".pdf", "Lumen Power invoice, amount "+fmt.Sprintf("EUR %d.%02d", cents/100, cents%100)))
}

func receiptText(rows []item) string {
	var out strings.Builder
	total := 0
	for _, r := range rows {
		total += r.quantity * r.cents
		fmt.Fprintf(&out, "%d x %s   %s\n", r.quantity, r.name, euros(r.quantity*r.cents))
	}
	fmt.Fprintf(&out, "Total   %s\n", euros(total))
	return out.String()
}

// receiptPage is a page with the one table that a reader wants to keep.
func receiptPage(shop, title string, rows []item) string {
	var out strings.Builder
	fmt.Fprintf(&out, `<!DOCTYPE html><html><head><meta charset="utf-8"><style>td{padding:6px 12px} .num{text-align:right}</style></head><body style="background:#f6f6f6;font-family:Arial,sans-serif">
<table width="100%%" cellpadding="0" cellspacing="0"><tr><td align="center"><table width="600" style="background:#ffffff"><tr><td><h1 style="font-size:22px">%s</h1><p>%s</p>
<table width="100%%" style="border-collapse:collapse" border="0"><thead><tr style="border-bottom:1px solid #ccc"><th align="left">Item</th><th align="right">Qty</th><th align="right">Price</th></tr></thead><tbody>
`, shop, title)
	total := 0
	for _, r := range rows {
		total += r.quantity * r.cents
		fmt.Fprintf(&out, `<tr><td>%s</td><td class="num">%d</td><td class="num">%s</td></tr>`+"\n", markupEscapes.Replace(r.name), r.quantity, euros(r.quantity*r.cents))
	}
	fmt.Fprintf(&out, `<tr style="font-weight:bold"><td>Total</td><td></td><td class="num">%s</td></tr></tbody></table>
<p style="color:#888888;font-size:12px">%s · 7 Market Lane · VAT included. <a href="https://%s.example/help">Help</a></p></td></tr></table></td></tr></table></body></html>`,
		euros(total), shop, strings.ToLower(shop))
	return out.String()
}

// bookings are reservations for Alex's travels.
func bookings() []*mailing {
	type booking struct {
		days          int
		from          person
		subject, text string
	}
	var out []*mailing
	for i, b := range []booking{
		{129, person{"Hotel Miradouro", "reservas@miradouro.example"}, "Reservation HM-88213 confirmed", "Dear Dana, dear Alex,\n\nsix rooms, three nights, breakfast included. Check-in from 15:00.\n\nHotel Miradouro, Lisboa\n"},
		{128, person{"Air Meridian", "tickets@airmeridian.example"}, "Your e-ticket: Hamburg - Lisbon, booking X7KQ2M", "Flight AM 418, Hamburg 10:55 - Lisbon 14:00, seat 14C\nFlight AM 421, Lisbon 18:20 - Hamburg 23:15, seat 9A\n\nBooking code: X7KQ2M\n"},
		{61, person{"Boathouse Trips", "hello@boathouse.example"}, "Boat trip on Sunday, 3 adults and 2 children", "Hello Alex,\n\nyour boat is reserved: Sunday, 11:00, pier 3. Please be there ten minutes early.\n"},
		{19, person{"Noodle House Mill Street", "table@noodlehouse.example"}, "Your table for two", "Thursday 12:30, two people, name: Chen. See you!\n"},
		{13, person{"Norrail", "booking@norrail.example"}, "Your train to Copenhagen, booking 8841-CPH", "Hamburg Hbf 08:53 - Koebenhavn H 13:47, coach 21, seats 44 and 46.\n\nTicket in the attachment.\n"},
	} {
		m := &mailing{
			key: fmt.Sprintf("booking-%d", i), age: time.Duration(b.days) * day, from: b.from, to: []person{alex}, subject: b.subject,
			labels: []string{"CATEGORY_UPDATES", "Travel 2026"}, smart: []string{"reservations"},
		}
		m.body = func(m *mailing) piece {
			if strings.Contains(b.text, "attachment") {
				return mixed(plainText(b.text), attachment("ticket-8841-CPH.pdf", b.subject))
			}
			return plainText(b.text)
		}
		out = append(out, m)
	}
	return out
}
