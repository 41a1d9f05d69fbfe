//! One GPU over some days.

use crate::analysis::{Coverage, Mean};
use crate::model::{ByMetric, CardUsage, GpuIndex, Metric, Percent, Reading, UnixSeconds};

/// A reading, or a mean of some, in tenths of a percent; `None` is a gap.
pub type Level = Option<u16>;

#[derive(Clone, Debug)]
pub struct Lane {
    pub index: GpuIndex,
    pub days: Vec<LaneDay>,
    /// The cells of all days, one day after the other.
    pub levels: ByMetric<Vec<Level>>,
    /// Sums of readings and their numbers.
    sums: ByMetric<(f64, u32)>,
    /// By when they begin.
    pub holds: Vec<Hold>,
    /// The numbers of the days on which a task may have held it that is not among these.
    pub doubted: Vec<usize>,
    /// The users of the average CSV, where nothing is known of tasks.
    pub users_of_file: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct LaneDay {
    pub mean: Mean,
    pub coverage: Coverage,
}

/// A time in which a task held the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    pub from: UnixSeconds,
    pub to: UnixSeconds,
    /// Its number among the tasks.
    pub task: usize,
}

impl Lane {
    /// Of a GPU of which there is nothing in the days that have so many cells.
    pub fn without_readings(index: GpuIndex, days: usize, cells: usize) -> Self {
        let gaps = || vec![None; cells];
        Self {
            index,
            days: vec![LaneDay::default(); days],
            levels: ByMetric {
                gpu: gaps(),
                vram: gaps(),
            },
            sums: ByMetric::default(),
            holds: Vec::new(),
            doubted: (0..days).collect(),
            users_of_file: None,
        }
    }

    /// Adds a day of so many cells, each of so many readings, of which as many are due as `due` says.
    pub fn add_day(&mut self, usage: Option<&CardUsage>, due: usize, cells: usize, of_each: usize) {
        self.days.push(LaneDay {
            mean: usage.map(Mean::of_readings).unwrap_or_default(),
            coverage: Coverage::of_readings(usage, due),
        });
        for metric in Metric::ALL {
            let readings = usage.map(|usage| &usage.series(metric)[..]);
            let readings = readings.unwrap_or_default();
            let (sum, count) = self.sums.series_mut(metric);
            for reading in readings.iter().flatten() {
                *sum += reading.percent();
                *count += 1;
            }
            let all = self.levels.series_mut(metric);
            all.extend(levels(readings, cells, of_each));
        }
    }

    /// Adds a time in which a task held it. One that goes on from the day before is one.
    pub fn add_hold(&mut self, hold: Hold) {
        let mut before = self.holds.iter_mut().rev();
        let goes_on = |of: &&mut Hold| of.task == hold.task && of.to == hold.from;
        match before.find(goes_on) {
            Some(before) => before.to = hold.to,
            None => self.holds.push(hold),
        }
    }

    /// The mean of all its readings.
    pub fn mean(&self) -> Mean {
        self.sums.map(|&(sum, count)| {
            let mean = sum / f64::from(count);
            (count > 0).then(|| Percent::new(mean.min(100.0))).flatten()
        })
    }

    pub fn coverage(&self) -> Coverage {
        Coverage::sum(self.days.iter().map(|day| day.coverage))
    }
}

/// So many cells, each the mean of so many readings.
pub fn levels(
    readings: &[Option<Reading>],
    cells: usize,
    of_each: usize,
) -> impl Iterator<Item = Level> {
    let cell = move |number: usize| {
        let from = (number * of_each).min(readings.len());
        let to = (from + of_each).min(readings.len());
        let mean = Reading::mean(readings[from..to].iter().copied().flatten())?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 1,000 tenths of a percent"
        )]
        Some((mean.value() * 10.0).round() as u16)
    };
    (0..cells).map(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn readings(percents: &[Option<f64>]) -> Vec<Option<Reading>> {
        let reading = |of: &Option<f64>| Reading::new((*of)?);
        percents.iter().map(reading).collect()
    }

    #[test]
    fn a_cell_is_the_mean_of_its_readings_and_a_gap_of_none() {
        let readings = readings(&[Some(10.0), None, Some(20.04), None, None, None, Some(1.0)]);
        let cells = |cells, of_each| levels(&readings, cells, of_each).collect::<Vec<_>>();
        let of_one = [Some(100), None, Some(200), None, None, None, Some(10), None];
        assert_eq!(cells(8, 1), of_one);
        assert_eq!(cells(4, 3), [Some(150), None, Some(10), None]);
    }

    #[test]
    fn who_held_a_gpu_before_it_was_known_is_in_doubt() {
        let lane = Lane::without_readings(GpuIndex(0), 2, 0);
        assert_eq!(lane.doubted, [0, 1]);
    }

    #[test]
    fn a_task_that_goes_on_over_midnight_is_one() {
        let mut lane = Lane::without_readings(GpuIndex(0), 0, 0);
        for (task, from, to) in [(0, 10, 20), (1, 15, 20), (0, 20, 30), (1, 22, 25)] {
            lane.add_hold(Hold { from, to, task });
        }
        let holds: Vec<_> = lane
            .holds
            .iter()
            .map(|of| (of.task, of.from, of.to))
            .collect();
        assert_eq!(holds, [(0, 10, 30), (1, 15, 20), (1, 22, 25)]);
    }

    #[test]
    fn the_mean_is_over_all_readings_of_all_days() {
        let mut lane = Lane::without_readings(GpuIndex(0), 0, 0);
        assert_eq!(lane.mean(), Mean::default());
        for percents in [&[Some(10.0), Some(20.0)][..], &[Some(60.0), None]] {
            let gpu = readings(percents);
            let usage = CardUsage {
                vram: vec![None; 2],
                gpu,
            };
            lane.add_day(Some(&usage), 2, 2, 1);
        }
        let mean = lane.mean();
        assert_eq!((mean.gpu, mean.vram), (Percent::new(30.0), None));
        assert_eq!((lane.coverage().found, lane.coverage().due), (0, 4));
    }
}
