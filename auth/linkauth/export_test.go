package linkauth

// Decode runs both readers of a broker's answers, for fuzzing. It returns what
// would be shown to a person, and what the next poll would wait for.
func Decode(body []byte, date string) (url, code string, waits []int64) {
	if o, err := readOpened(body, date); err == nil {
		url, code = o.url, o.code
		waits = append(waits, int64(o.interval), int64(o.life))
	}
	if p, err := readPolled(body); err == nil {
		waits = append(waits, int64(p.interval))
	}
	return url, code, waits
}
