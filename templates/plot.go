package templates

import "time"

// Plot is how often something succeeded and failed over time: columns upward for
// what did, downward for what did not, on scales of their own, and the same as a
// table.
type Plot struct {
	Name          string // for IDs of elements: a word
	Title         string
	Done, Failed  string // what the two are, in words
	Columns       []Column
	Bars          []Bar
	Total, Lost   int
	Most, MostBad int // of a column
}

// Column is a part of the time.
type Column struct {
	From, Until  time.Time
	Done, Failed int
}

// Span is its time in words.
func (c Column) Span() string {
	return c.From.UTC().Format("2 Jan, 15:04") + " to " + c.Until.UTC().Format("15:04")
}

// Bar is a column as it is drawn, in the units of the plot.
type Bar struct {
	Column
	X, Up, Down int // where it begins, and how high and how deep it goes
}

// Of a plot: its height above and below the line, and the width of a column with
// the gap beside it.
const (
	plotUp    = 100
	plotDown  = 40
	plotPitch = 10
)

// NewPlot draws columns. What is not nothing can be seen.
func NewPlot(name, title, done, failed string, columns []Column) Plot {
	p := Plot{Name: name, Title: title, Done: done, Failed: failed, Columns: columns}
	for _, c := range columns {
		p.Total, p.Lost = p.Total+c.Done, p.Lost+c.Failed
		p.Most, p.MostBad = max(p.Most, c.Done), max(p.MostBad, c.Failed)
	}
	for i, c := range columns {
		p.Bars = append(p.Bars, Bar{c, i * plotPitch, scaled(c.Done, p.Most, plotUp), scaled(c.Failed, p.MostBad, plotDown)})
	}
	return p
}

// scaled is how long n is where most has a length.
func scaled(n, most, length int) int {
	const least = 2
	if n == 0 {
		return 0
	}
	return max(least, n*length/most)
}

// Y is where a bar begins from above.
func (b Bar) Y() int { return plotUp - b.Up }

// Width, Height and Line are of the whole plot, and where the line is in it.
func (p Plot) Width() int  { return len(p.Columns) * plotPitch }
func (p Plot) Height() int { return plotUp + plotDown }
func (p Plot) Line() int   { return plotUp }

// Empty reports whether there is nothing to draw.
func (p Plot) Empty() bool { return p.Total == 0 && p.Lost == 0 }

// First and Last are the ends of its time.
func (p Plot) First() time.Time { return p.Columns[0].From }
func (p Plot) Last() time.Time  { return p.Columns[len(p.Columns)-1].Until }
