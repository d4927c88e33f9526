package templates

import (
	"testing"
	"time"
)

func TestPlotShowsWhatIsSmallBesideWhatIsBig(t *testing.T) {
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var columns []Column
	for i, n := range [][2]int{{1_000_000, 0}, {1, 1}, {0, 0}, {500_000, 8}} {
		from := at.Add(time.Duration(i) * time.Hour)
		columns = append(columns, Column{from, from.Add(time.Hour), n[0], n[1]})
	}
	p := NewPlot("p", "Plot", "done", "failed", columns)
	for i, want := range [][2]int{{100, 0}, {2, 5}, {0, 0}, {50, 40}} {
		if b := p.Bars[i]; b.Up != want[0] || b.Down != want[1] || b.Y()+b.Up != p.Line() || b.X+plotPitch > p.Width() || p.Line()+b.Down > p.Height() {
			t.Errorf("column %d goes %d up and %d down from %d, want %v", i, b.Up, b.Down, b.X, want)
		}
	}
	if p.Total != 1_500_001 || p.Lost != 9 || p.Empty() || !(Plot{Columns: columns[2:3]}).Empty() {
		t.Errorf("%+v", p)
	}
	if got := p.Columns[3].Span(); got != "22 Nov, 03:00 to 04:00" {
		t.Error(got)
	}
}
