//! What the simulated GPUs measure: the same at every run, for a node, card and minute, so that tests can compute it too.

use super::node::SimulatedNode;

/// A percentage in units of 10^-7, the last decimal that Netdata prints. Whole numbers make means exact and printing cheap.
pub(super) type TenMillionths = u64;
/// One percent.
const PERCENT: TenMillionths = 10_000_000;
/// For so many seconds at a time a simulated GPU is idle or busy: a whole number of minutes.
const STRETCH: i64 = 170 * 60;
/// What an idle MI300X shows in use: 0.14 %.
const IDLE_VRAM: TenMillionths = PERCENT * 14 / 100;

/// What is read from a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// How busy the GPU is, in percent.
    GpuUtilization,
    /// How much of its memory is in use, in percent.
    VramUsage,
}

impl Metric {
    /// In the order of the agents' answers.
    pub const ALL: [Self; 2] = [Self::GpuUtilization, Self::VramUsage];

    /// The context of the metric's charts, and the start of their ids.
    pub fn context(self) -> &'static str {
        match self {
            Self::GpuUtilization => "amdgpu.gpu_utilization",
            Self::VramUsage => "amdgpu.gpu_mem_vram_usage_perc",
        }
    }

    /// What people read above its charts.
    pub fn title(self) -> &'static str {
        match self {
            Self::GpuUtilization => "GPU utilization",
            Self::VramUsage => "VRAM memory usage percentage",
        }
    }

    /// The only dimension of the metric's charts.
    pub fn dimension(self) -> &'static str {
        match self {
            Self::GpuUtilization => "utilization",
            Self::VramUsage => "usage",
        }
    }
}

/// The percentage that the row stamped `t_end` (Unix seconds) must show: the mean of the samples in `(t_end - interval, t_end]`,
/// rounded to seven decimals; `None` where there is no sample. [`SimulatedNode::raw_reading`] and samples that have not been
/// taken yet (of an interval that has not ended) are not considered.
pub fn expected_row(
    node: &SimulatedNode,
    metric: Metric,
    card: u32,
    t_end: i64,
    interval: i64,
) -> Option<f64> {
    let text = expected_text(node, metric, card, t_end, interval)?;
    Some(text.parse().expect("a printed number is a number"))
}

/// [`expected_row`] in the characters that an agent prints.
pub fn expected_text(
    node: &SimulatedNode,
    metric: Metric,
    card: u32,
    t_end: i64,
    interval: i64,
) -> Option<String> {
    let mut text = String::new();
    write_number(
        &mut text,
        mean(node, metric, card, t_end - interval, t_end)?,
    );
    Some(text)
}

/// The mean of the samples in `(from, to]`.
pub(super) fn mean(
    node: &SimulatedNode,
    metric: Metric,
    card: u32,
    from: i64,
    to: i64,
) -> Option<TenMillionths> {
    let (from, to) = (from.max(node.samples_after), to.min(node.samples_to));
    let gaps = || {
        node.gaps
            .iter()
            .filter(|gap| gap.concerns(metric, card) && gap.from < to && from < gap.to)
    };
    if from >= to || gaps().any(|gap| gap.from <= from && to <= gap.to) {
        return None;
    }
    let (mut sum, mut count) = (0, 0);
    let mut add = |mut from: i64, to: i64| {
        count += (to - from).cast_unsigned();
        while from < to {
            let stretch = Stretch::after(from, node, metric, card);
            let until = to.min(stretch.end);
            sum += stretch.sum(from, until);
            from = until;
        }
    };
    if gaps().next().is_none() {
        add(from, to);
    } else {
        // Second by second is slow, but no other way is as plainly right for gaps that overlap.
        for second in from + 1..=to {
            if !gaps().any(|gap| gap.from < second && second <= gap.to) {
                add(second - 1, second);
            }
        }
    }
    (count > 0).then(|| (sum + count / 2) / count)
}

/// A time in which a card is idle or busy. It is worked out once for many minutes, since an answer needs 23,040 of them.
struct Stretch {
    /// The last second.
    end: i64,
    /// The lowest reading.
    base: TenMillionths,
    /// How far the readings of a minute may lie above it.
    span: TenMillionths,
    seed: u64,
}

impl Stretch {
    /// The stretch in which the second after `time` lies.
    fn after(time: i64, node: &SimulatedNode, metric: Metric, card: u32) -> Self {
        if let Some(constant) = node.constants.iter().find(|constant| constant.card == card) {
            return Self {
                end: i64::MAX,
                base: constant.of(metric),
                span: 0,
                seed: 0,
            };
        }
        let gpu = mix(node.seed ^ u64::from(card));
        // Not all cards change at the same time.
        let shift = (gpu % 97).cast_signed() * 60;
        let number = (time + shift) / STRETCH;
        let seed = mix(gpu ^ number.cast_unsigned());
        let level = PERCENT * (30 + (seed >> 8) % 60);
        let (base, span) = match metric {
            Metric::GpuUtilization if seed % 5 < 3 => (level - 10 * PERCENT, 20 * PERCENT),
            Metric::VramUsage if seed % 5 < 3 => (level, PERCENT / 2),
            Metric::GpuUtilization => (0, 0),
            Metric::VramUsage => (IDLE_VRAM, 0),
        };
        Self {
            end: (number + 1) * STRETCH - shift,
            base,
            span,
            seed,
        }
    }

    /// The sum of the samples in `(from, to]`, which are the same for a whole minute.
    fn sum(&self, from: i64, to: i64) -> TenMillionths {
        let mut sum = self.base * (to - from).cast_unsigned();
        if self.span > 0 {
            for minute in from / 60..=(to - 1) / 60 {
                let seconds = to.min((minute + 1) * 60) - from.max(minute * 60);
                let above = (self.span * (mix(self.seed ^ minute.cast_unsigned()) >> 40)) >> 24;
                sum += above * seconds.cast_unsigned();
            }
        }
        sum
    }
}

/// A number that depends on every bit of `value` (the finaliser of `SplitMix64`).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The seed of a node's readings (FNV-1a of its name).
pub(super) fn seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `percent` in the unit of the readings.
pub(super) fn ten_millionths(percent: f64) -> TenMillionths {
    assert!(
        (0.0..=100.0).contains(&percent),
        "{percent} is not a percentage"
    );
    format!("{:.0}", percent * 1e7)
        .parse()
        .expect("a rounded percentage is a whole number")
}

/// Prints as Netdata does: at most seven decimals, without trailing zeros. By hand, since an answer has 2,304 numbers and the
/// simulation must not cost more than the program that is measured against it.
pub(super) fn write_number(out: &mut String, value: TenMillionths) {
    const DECIMALS: usize = 7;
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    let mut rest = value;
    while rest > 0 || digits.len() - first <= DECIMALS {
        first -= 1;
        digits[first] = b'0' + u8::try_from(rest % 10).expect("a digit");
        rest /= 10;
    }
    let digits = std::str::from_utf8(&digits[first..]).expect("digits are ASCII");
    let (whole, decimals) = digits.split_at(digits.len() - DECIMALS);
    out.push_str(whole);
    let decimals = decimals.trim_end_matches('0');
    if !decimals.is_empty() {
        out.push('.');
        out.push_str(decimals);
    }
}

#[cfg(test)]
mod tests {
    use super::{Metric, SimulatedNode, expected_row, expected_text, ten_millionths, write_number};

    /// A midnight in UTC: 2025-08-01.
    const T0: i64 = 1_754_006_400;

    #[test]
    fn numbers_have_seven_decimals_at_most_and_no_trailing_zeros() {
        let printed = [0.0, 100.0, 13.7, 0.000_000_1, 67.001_666_7].map(|percent| {
            let mut text = String::new();
            write_number(&mut text, ten_millionths(percent));
            text
        });
        assert_eq!(printed, ["0", "100", "13.7", "0.0000001", "67.0016667"]);
    }

    #[test]
    fn a_gap_is_in_no_mean() {
        let node = SimulatedNode::new("n")
            .constant(1, 65.2778, 12.0)
            .gap(1, T0 + 300, T0 + 1_200)
            .vram_gap(1, T0, T0 + 300);
        assert_eq!(
            expected_row(&node, Metric::GpuUtilization, 1, T0 + 600, 600),
            Some(65.2778)
        );
        assert_eq!(
            expected_row(&node, Metric::VramUsage, 1, T0 + 600, 600),
            None
        );
        assert_eq!(
            expected_row(&node, Metric::GpuUtilization, 1, T0 + 1_200, 600),
            None
        );
        assert_eq!(
            expected_text(&node, Metric::VramUsage, 1, T0 + 1_800, 600).as_deref(),
            Some("12")
        );
    }

    #[test]
    fn a_week_has_idle_and_busy_hours_and_only_percentages() {
        let node = SimulatedNode::new("colab-gpu1");
        let rows = |metric| {
            (1..=1_008).map(move |row| {
                expected_row(&node, metric, 9, T0 + row * 600, 600).expect("no gap")
            })
        };
        let gpu: Vec<f64> = rows(Metric::GpuUtilization).collect();
        assert!(gpu.iter().all(|percent| (0.0..=100.0).contains(percent)));
        let idle = gpu.iter().filter(|&&percent| percent == 0.0).count();
        assert!((100..900).contains(&idle), "{idle} idle rows");
    }
}
