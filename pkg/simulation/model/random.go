package model

import "math"

// Random is a source of random numbers: SplitMix64 (Steele, Lea and Flood,
// "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014). Sums of
// products are rounded one by one, so that no compiler fuses them.
type Random struct{ state uint64 }

// NewRandom returns a source for a seed. Different streams of one seed are
// independent of each other.
func NewRandom(seed, stream uint64) *Random {
	r := &Random{state: seed}
	r.state = r.Uint64() ^ stream*0xd1342543de82ef95
	r.Uint64()
	return r
}

// Uint64 is the next number.
func (r *Random) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Float is uniform in [0, 1).
func (r *Random) Float() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// Between is uniform in [low, high).
func (r *Random) Between(low, high float64) float64 { return low + float64((high-low)*r.Float()) }

// Normal has mean 0 and variance 1 (Box and Muller, 1958).
func (r *Random) Normal() float64 {
	u, v := 1-r.Float(), r.Float()
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// Exponential has the mean 1.
func (r *Random) Exponential() float64 { return -math.Log(1 - r.Float()) }

// LogNormal has the given median; the logarithm's standard deviation is sigma.
func (r *Random) LogNormal(median, sigma float64) float64 {
	return median * math.Exp(float64(sigma*r.Normal()))
}

// Gamma has the mean shape*scale; both must be positive (Marsaglia and Tsang,
// "A Simple Method for Generating Gamma Variables", ACM TOMS 26, 2000).
func (r *Random) Gamma(shape, scale float64) float64 {
	if shape < 1 {
		return r.Gamma(shape+1, scale) * math.Pow(1-r.Float(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.Normal()
		v := 1 + float64(c*x)
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float()) < float64(0.5*x*x)+d-float64(d*v)+float64(d*math.Log(v)) {
			return d * v * scale
		}
	}
}

// Choose picks a place with a probability in proportion to its weight. Weights
// must not be negative, and one must be positive.
func (r *Random) Choose(weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := r.Float() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// zipf are weights 1, 1/2, 1/3 ...: few users do most of the work.
func zipf(n int) []float64 {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = 1 / float64(i+1)
	}
	return weights
}

// gammaCDF is the distribution function of the gamma distribution: the
// regularised incomplete gamma function P(shape, x/scale), by its series below
// shape+1 and by its continued fraction (Lentz) above (Press et al., Numerical
// Recipes, section 6.2).
func gammaCDF(x, shape, scale float64) float64 {
	x /= scale
	if x <= 0 {
		return 0
	}
	lg, _ := math.Lgamma(shape)
	front := math.Exp(float64(shape*math.Log(x)) - x - lg)
	const most, tiny = 1000, 1e-14
	if x < shape+1 {
		term := 1 / shape
		sum := term
		for n := 1; n < most && math.Abs(term) > math.Abs(sum)*tiny; n++ {
			term *= x / (shape + float64(n))
			sum += term
		}
		return front * sum
	}
	b := x + 1 - shape
	c, d := 1/1e-300, 1/b
	h := d
	for n := 1; n < most; n++ {
		a := -float64(n) * (float64(n) - shape)
		b += 2
		d = 1 / (b + float64(a*d))
		c = b + a/c
		h *= d * c
		if math.Abs(float64(d*c)-1) < tiny {
			break
		}
	}
	return 1 - float64(front*h)
}
