//! What a run is asked for, in terms of the settings in force.

use chrono::NaiveDate;

use super::args::RunArgs;
use crate::commands::calendar::Calendar;
use crate::commands::frame::Frame;
use crate::commands::request::{RequestError, select};
use crate::model::{DateArg, Node};
use crate::settings::Config;

#[derive(Debug)]
pub struct Request<'a> {
    pub frame: &'a Frame<'a>,
    pub config: &'a Config,
    pub args: &'a RunArgs,
    /// The nodes that are asked for, in the order of the settings.
    pub nodes: Vec<&'a Node>,
    /// The first day that is asked for. `today` is the day on which the run began, however long it takes.
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl<'a> Request<'a> {
    pub fn new(
        frame: &'a Frame,
        config: &'a Config,
        args: &'a RunArgs,
    ) -> Result<Self, RequestError> {
        let nodes = select(config, &args.nodes)?;
        let (first, last) = Calendar::now(config).range(args.date, args.to, DateArg::Today)?;
        Ok(Self {
            frame,
            config,
            args,
            nodes,
            first,
            last,
        })
    }

    pub fn dates(&self) -> Vec<NaiveDate> {
        let dates = self.first.iter_days();
        dates.take_while(|date| *date <= self.last).collect()
    }

    /// Whether the run is about several days, each of which is a line of its result.
    pub fn is_range(&self) -> bool {
        self.args.to.is_some() || self.args.catch_up > 0
    }
}
