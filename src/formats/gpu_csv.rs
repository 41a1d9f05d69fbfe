//! `gpu<index>_<date>.csv`: the readings of one GPU.

use csv::{QuoteStyle, WriterBuilder};

use crate::model::day::Window;
use crate::model::readings::CardUsage;

pub const HEADER: [&str; 4] = ["時間戳", "日期時間", "GPU使用率(%)", "VRAM使用率(%)"];

/// The first two columns of every GPU's file of a day: made once, for all GPUs of all nodes.
#[derive(Clone, Debug)]
pub struct Stamps(Vec<[String; 2]>);

impl Stamps {
    pub fn of(window: &Window) -> Self {
        Self(
            window
                .stamps()
                .map(|stamp| [stamp.to_string(), format!("\"{}\"", window.clock(stamp))])
                .collect(),
        )
    }
}

/// The file: a row for every reading due, with an empty field for a gap.
pub fn render(stamps: &Stamps, usage: &CardUsage) -> Vec<u8> {
    // The date-time carries its quotes, which the old programs write around it and around nothing else.
    let mut csv = WriterBuilder::new()
        .quote_style(QuoteStyle::Never)
        .from_writer(Vec::with_capacity(8 << 10));
    let rows = stamps.0.iter().zip(usage.gpu.iter().zip(&usage.vram));
    let written = csv.write_record(HEADER).and_then(|()| {
        for ([stamp, clock], (gpu, vram)) in rows {
            let (mut buffer_of_gpu, mut room_of_vram) = Default::default();
            csv.write_record([
                stamp.as_str(),
                clock,
                gpu.map_or("", |reading| reading.digits(&mut buffer_of_gpu)),
                vram.map_or("", |reading| reading.digits(&mut room_of_vram)),
            ])?;
        }
        Ok(())
    });
    written.expect("a vector takes whatever is written");
    csv.into_inner()
        .expect("a vector takes whatever is written")
}
