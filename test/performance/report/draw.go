package report

import (
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	floorColor    = color.RGBA{R: 0x9a, G: 0xa5, B: 0xb1, A: 0xff}
	fairleadColor = color.RGBA{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}
)

// The size of one panel of the picture.
const (
	panelWidth  = 12 * vg.Centimeter
	panelHeight = 8 * vg.Centimeter
)

// Draw writes results.png and results.svg into dir: wall time and API server
// CPU as bars beside the floor's, and for each load the completions over time
// of its median runs.
func Draw(dir string, results *Results) error {
	panels, err := layout(results)
	if err != nil {
		return fmt.Errorf("draw the benchmark: %w", err)
	}
	width, height := 2*panelWidth, vg.Length(len(panels))*panelHeight
	png := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(110))
	if err := render(draw.New(png), panels, filepath.Join(dir, "results.png"), vgimg.PngCanvas{Canvas: png}); err != nil {
		return err
	}
	svg := vgsvg.New(width, height)
	return render(draw.New(svg), panels, filepath.Join(dir, "results.svg"), svg)
}

func render(canvas draw.Canvas, panels [][]*plot.Plot, file string, content io.WriterTo) error {
	tiles := draw.Tiles{
		Rows: len(panels), Cols: 2,
		PadX: vg.Millimeter * 6, PadY: vg.Millimeter * 6,
		PadTop: vg.Millimeter * 3, PadBottom: vg.Millimeter * 3, PadLeft: vg.Millimeter * 3, PadRight: vg.Millimeter * 5,
	}
	for y, row := range plot.Align(panels, tiles, canvas) {
		for x, c := range row {
			if panels[y][x] != nil {
				panels[y][x].Draw(c)
			}
		}
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("draw the benchmark: %w", err)
	}
	if _, err := content.WriteTo(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("draw the benchmark into %s: %w", file, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("draw the benchmark into %s: %w", file, err)
	}
	return nil
}

// layout makes the panels, two a row; the last may be empty.
func layout(results *Results) ([][]*plot.Plot, error) {
	var all []*plot.Plot
	for _, b := range []struct{ row, title string }{
		{RowWall, "Wall time, s"},
		{RowAPIServerCPU, "CPU of kube-apiserver, s"},
	} {
		p, err := bars(results, b.row, b.title)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	for i := range results.Loads {
		p, err := completions(&results.Loads[i])
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all)%2 == 1 {
		all = append(all, nil)
	}
	var rows [][]*plot.Plot
	for i := 0; i < len(all); i += 2 {
		rows = append(rows, all[i:i+2])
	}
	return rows, nil
}

func bars(results *Results, rowName, title string) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	var names []string
	var floor, fairlead plotter.Values
	var labels plotter.XYLabels
	barWidth := vg.Points(28)
	top := 0.0
	for i := range results.Loads {
		l := &results.Loads[i]
		row, ok := l.Summary.Find(rowName)
		if !ok {
			continue
		}
		a, b := orZero(row.Floor), orZero(row.Fairlead)
		names, floor, fairlead = append(names, l.Load), append(floor, a), append(fairlead, b)
		top = max(top, a, b)
		text := number(row.Fairlead)
		if row.Ratio != nil {
			text = fmt.Sprintf("%s (%.2f x)", text, *row.Ratio)
		}
		at := float64(len(names) - 1)
		labels.XYs = append(labels.XYs, plotter.XY{X: at, Y: a}, plotter.XY{X: at, Y: b})
		labels.Labels = append(labels.Labels, number(row.Floor)+"  ", "  "+text)
	}
	if len(names) == 0 {
		return p, nil
	}
	for _, side := range []struct {
		values plotter.Values
		color  color.Color
		offset vg.Length
		name   string
	}{{floor, floorColor, -barWidth / 2, "floor"}, {fairlead, fairleadColor, barWidth / 2, "Fairlead"}} {
		chart, err := plotter.NewBarChart(side.values, barWidth)
		if err != nil {
			return nil, err
		}
		chart.Color, chart.Offset, chart.LineStyle.Width = side.color, side.offset, 0
		p.Add(chart)
		p.Legend.Add(side.name, chart)
	}
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return nil, err
	}
	for i := range texts.TextStyle {
		texts.TextStyle[i].XAlign = draw.XCenter
		if i%2 == 0 {
			texts.TextStyle[i].XAlign = draw.XRight
		} else {
			texts.TextStyle[i].XAlign = draw.XLeft
		}
	}
	texts.Offset = vg.Point{Y: vg.Points(3)}
	p.Add(texts)
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.8, float64(len(names))-0.2
	p.Y.Max = top * 1.3
	return p, nil
}

func completions(l *LoadResult) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = l.Load + ": completions over time"
	p.X.Label.Text = "seconds since the first submission"
	p.X.Min, p.Y.Min = 0, 0
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for _, side := range []struct {
		driver Driver
		color  color.Color
		name   string
	}{{Floor, floorColor, "floor"}, {Fairlead, fairleadColor, "Fairlead"}} {
		run, ok := medianRun(l.Runs, side.driver)
		if !ok {
			continue
		}
		points := plotter.XYs{{X: 0, Y: 0}}
		for i, t := range run.Completions {
			points = append(points, plotter.XY{X: t, Y: float64(i + 1)})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = side.color, vg.Points(2)
		p.Add(line)
		p.Legend.Add(side.name, line)
	}
	return p, nil
}

// medianRun is the driver's run in the middle by wall time.
func medianRun(runs []Run, driver Driver) (Run, bool) {
	var mine []Run
	for _, run := range runs {
		if run.Driver == driver {
			mine = append(mine, run)
		}
	}
	if len(mine) == 0 {
		return Run{}, false
	}
	sort.Slice(mine, func(i, j int) bool { return mine[i].Wall < mine[j].Wall })
	return mine[(len(mine)-1)/2], true
}

func orZero(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}
