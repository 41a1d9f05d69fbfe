//! A node as a test describes it: its cards, its samples and their gaps, its agent's version and its faults.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::fault::{Conduct, Fault};
use super::readings::{self, Metric, TenMillionths};

/// The cards of a node with eight GPUs, in the order of a real collector, which is the order of a directory: not numeric.
const CARDS: [u32; 8] = [17, 9, 1, 57, 25, 33, 41, 49];
/// Unless told otherwise, samples go back to 2020-01-01.
const FIRST_SAMPLE_AFTER: i64 = 1_577_836_800;

/// The generations of agents that were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Debian's 1.37.1.
    V1_37,
    /// A nightly build of 2.8.
    V2_8,
    /// 2.11, whose coarser tiers are exact to the second.
    V2_11,
}

thread_local! {
    static GENERATION: Cell<Option<Version>> = const { Cell::new(None) };
}

/// Runs a test in which the nodes are agents of this version, with the samples that such an agent keeps by default:
/// 1.37 as much as the disk holds, 2.11 those of two weeks.
pub fn with_agents(version: Version, test: fn()) {
    GENERATION.set(Some(version));
    test();
}

/// A node with an AMD GPU for each of its cards. Times are Unix seconds; a range is always `(from, to]`.
#[derive(Clone, Debug)]
pub struct SimulatedNode {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) cards: Vec<u32>,
    pub(super) absent: Vec<u32>,
    pub(super) without_vram: Vec<u32>,
    pub(super) gaps: Vec<Gap>,
    pub(super) renamed: Vec<(u32, i64)>,
    /// Other hosts of the parent that it is asked for at: their names, guids, and whether these are connected.
    pub(super) other_hosts: Vec<(String, String, bool)>,
    pub(super) is_lost: bool,
    pub(super) samples_after: i64,
    pub(super) samples_to: i64,
    pub(super) fine_samples_after: Option<i64>,
    pub(super) constants: Vec<Constant>,
    pub(super) raw_readings: Vec<RawReading>,
    pub(super) replacements: Vec<(String, String)>,
    pub(super) version: Version,
    pub(super) context_queries: bool,
    pub(super) recorded: Option<Vec<u8>>,
    pub(super) conduct: Conduct,
}

/// A time without samples.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    card: Option<u32>,
    metric: Option<Metric>,
    pub from: i64,
    pub to: i64,
}

impl Gap {
    pub fn concerns(&self, metric: Metric, card: u32) -> bool {
        self.card.is_none_or(|of| of == card) && self.metric.is_none_or(|of| of == metric)
    }
}

/// A card whose readings never change.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub card: u32,
    gpu: TenMillionths,
    vram: TenMillionths,
}

impl Constant {
    pub fn of(&self, metric: Metric) -> TenMillionths {
        match metric {
            Metric::GpuUtilization => self.gpu,
            Metric::VramUsage => self.vram,
        }
    }
}

/// A cell of the answer that is sent as it was written in the test.
#[derive(Clone, Debug)]
pub(super) struct RawReading {
    pub metric: Metric,
    pub card: u32,
    pub stamp: i64,
    pub text: String,
}

impl SimulatedNode {
    /// A node with eight cards whose samples go back for years, and a modern agent.
    pub fn new(name: &str) -> Self {
        let generation = GENERATION.get();
        let fine_samples_after =
            (generation == Some(Version::V2_11)).then(|| unix_now() - 14 * 86_400);
        Self {
            name: name.to_owned(),
            seed: readings::seed(name),
            cards: CARDS.to_vec(),
            absent: Vec::new(),
            without_vram: Vec::new(),
            gaps: Vec::new(),
            renamed: Vec::new(),
            other_hosts: Vec::new(),
            is_lost: false,
            samples_after: FIRST_SAMPLE_AFTER,
            samples_to: i64::MAX,
            fine_samples_after,
            constants: Vec::new(),
            raw_readings: Vec::new(),
            replacements: Vec::new(),
            version: generation.unwrap_or(Version::V2_8),
            context_queries: true,
            recorded: None,
            conduct: Conduct::default(),
        }
    }

    /// Other cards than the usual eight, in the order of the answer's columns.
    pub fn cards(mut self, cards: &[u32]) -> Self {
        self.cards = cards.to_vec();
        self
    }

    /// Takes a card away as a failed collector does: the answer has no column for it. The settings still expect it.
    pub fn without_card(mut self, card: u32) -> Self {
        self.absent.push(card);
        self
    }

    /// The card has no chart of its VRAM, and never had one.
    pub fn without_vram_chart(mut self, card: u32) -> Self {
        self.without_vram.push(card);
        self
    }

    /// Whether the agent has a chart of the metric for the card.
    pub(super) fn has_chart(&self, metric: Metric, card: u32) -> bool {
        let is_without = metric == Metric::VramUsage && self.without_vram.contains(&card);
        !self.absent.contains(&card) && !is_without
    }

    /// Since `at` the agent knows the card's product by name, and so has the samples from then on in new charts.
    pub fn renamed(mut self, card: u32, at: i64) -> Self {
        self.renamed.push((card, at));
        self
    }

    /// The guid of its agent.
    pub fn guid(&self) -> String {
        let seed = self.seed;
        format!(
            "{:08x}-0000-4000-8000-{:012x}",
            seed >> 32,
            seed & 0xffff_ffff
        )
    }

    /// The parent has another host besides.
    pub fn beside_host(mut self, name: &str, guid: &str, is_connected: bool) -> Self {
        self.other_hosts
            .push((name.to_owned(), guid.to_owned(), is_connected));
        self
    }

    /// The parent hears no more of the node.
    pub fn lost_by_parent(mut self) -> Self {
        self.is_lost = true;
        self
    }

    /// No samples of the card.
    pub fn gap(self, card: u32, from: i64, to: i64) -> Self {
        self.with_gap(Some(card), None, from, to)
    }

    /// No VRAM samples of the card.
    pub fn vram_gap(self, card: u32, from: i64, to: i64) -> Self {
        self.with_gap(Some(card), Some(Metric::VramUsage), from, to)
    }

    /// No samples of any card: the agent was down. Its rows are null.
    pub fn down(self, from: i64, to: i64) -> Self {
        self.with_gap(None, None, from, to)
    }

    fn with_gap(mut self, card: Option<u32>, metric: Option<Metric>, from: i64, to: i64) -> Self {
        self.gaps.push(Gap {
            card,
            metric,
            from,
            to,
        });
        self
    }

    /// The agent keeps only samples after `from`. A window that lies outside of what it keeps is answered with 404.
    pub fn samples_from(mut self, from: i64) -> Self {
        self.samples_after = from;
        self
    }

    /// The agent keeps only samples after `from`, and of older times the means of minutes. With `tier=0` it answers from the
    /// samples alone; without, from the means of minutes alone, so that every row is a second off (`(T - 601, T - 1]`) before
    /// 2.11, as measured. An agent that is not told this answers every query from its samples.
    pub fn fine_samples_from(mut self, from: i64) -> Self {
        self.fine_samples_after = Some(from);
        self
    }

    /// The agent keeps all its samples, whatever its version: rows of coarser tiers are not believed beside a gap.
    pub fn all_samples(mut self) -> Self {
        self.fine_samples_after = None;
        self
    }

    /// The agent has no samples after `to`, and will not have any.
    pub fn samples_until(mut self, to: i64) -> Self {
        self.samples_to = to;
        self
    }

    /// The card always reads these percentages.
    pub fn constant(mut self, card: u32, gpu: f64, vram: f64) -> Self {
        let (gpu, vram) = (
            readings::ten_millionths(gpu),
            readings::ten_millionths(vram),
        );
        self.constants.push(Constant { card, gpu, vram });
        self
    }

    /// The reading of the row with this stamp is served as `text`, whatever that is: `-1`, `1e999`, `"150.5"`.
    pub fn raw_reading(mut self, metric: Metric, card: u32, stamp: i64, text: &str) -> Self {
        self.raw_readings.push(RawReading {
            metric,
            card,
            stamp,
            text: text.to_owned(),
        });
        self
    }

    /// Every answer of data has `new` for `old`.
    pub fn replacing(mut self, old: &str, new: &str) -> Self {
        self.replacements.push((old.to_owned(), new.to_owned()));
        self
    }

    /// The agent's generation, 2.8 unless told otherwise.
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// The agent knows only `chart=`, as very old ones do, and answers `context=` with 400.
    pub fn without_context_queries(mut self) -> Self {
        self.context_queries = false;
        self
    }

    /// Every data answer is these bytes, recorded from a real agent.
    pub fn serving(mut self, recorded: impl Into<Vec<u8>>) -> Self {
        self.recorded = Some(recorded.into());
        self
    }

    /// What goes wrong with every request, until the cluster is dropped.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.conduct.fault = Some(fault);
        self
    }

    /// How long every answer takes.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.conduct.latency = latency;
        self
    }

    /// The agent's clock is so many seconds ahead of the machine's.
    pub fn clock_ahead(mut self, seconds: i64) -> Self {
        self.conduct.clock_ahead = seconds;
        self
    }

    /// The agent's answers have no `Date`, as behind some proxies.
    pub fn without_date(mut self) -> Self {
        self.conduct.omits_date = true;
        self
    }

    /// The first second that the card has a sample of.
    pub(super) fn first_sample(&self, metric: Metric, card: u32) -> i64 {
        let first = self.samples_after + 1;
        let is_over_it =
            |gap: &&Gap| gap.concerns(metric, card) && gap.from < first && first <= gap.to;
        self.gaps
            .iter()
            .find(is_over_it)
            .map_or(first, |gap| gap.to + 1)
    }

    /// The cards in the order of GPU indices, where they are not the usual ones and the settings must name them.
    pub(super) fn unusual_cards(&self) -> Option<Vec<u32>> {
        let sorted = |cards: &[u32]| {
            let mut cards = cards.to_vec();
            cards.sort_unstable();
            cards
        };
        Some(sorted(&self.cards)).filter(|cards| *cards != sorted(&CARDS))
    }
}

fn unix_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("a year after 1970").as_secs()).expect("a year before 292277026596")
}
