//! A straight line through points, by sums alone.

/// Points that a slope wants.
const POINTS_MIN: f64 = 10.0;

/// Means of one second each, their range, and the line through them by least squares.
#[derive(Clone, Debug, Default)]
pub(super) struct Fit {
    second: u64,
    sum: f64,
    count: f64,
    points: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    range: Option<(f64, f64, f64)>,
}

impl Fit {
    pub(super) fn add(&mut self, at_ms: u64, value: f64) {
        let second = at_ms / 1000;
        if second != self.second {
            self.close();
            self.second = second;
        }
        self.sum += value;
        self.count += 1.0;
    }

    /// Returns the least, the most and the latest mean, from whole seconds.
    pub(super) const fn range(&self) -> Option<(f64, f64, f64)> {
        self.range
    }

    /// Returns the slope, a minute.
    pub(super) fn slope(&self) -> Option<f64> {
        let spread = self.points * self.xx - self.x * self.x;
        let slope = (self.points * self.xy - self.x * self.y) / spread * 60.0;
        (self.points >= POINTS_MIN && slope.is_finite()).then_some(slope)
    }

    fn close(&mut self) {
        if self.count == 0.0 {
            return;
        }
        let (x, y) = (self.second as f64, self.sum / self.count);
        self.points += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        let (min, max, _) = self.range.unwrap_or((y, y, y));
        self.range = Some((min.min(y), max.max(y), y));
        (self.sum, self.count) = (0.0, 0.0);
    }
}
