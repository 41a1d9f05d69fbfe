//! Whether the copies that each run brings up to date can be reached.

use super::{Check, Subject};
use crate::model::{Engine, said};
use crate::sinks::SinkError;

pub fn copies(found: &[(Engine, String, Result<(), SinkError>)]) -> Vec<Check> {
    let check = |(engine, place, looked): &(Engine, String, Result<(), SinkError>)| match looked {
        Ok(()) => Check::ok(
            Subject::Copies,
            said!("副本 {engine}：{place}", "{engine} copy: {place}"),
        ),
        Err(error) => Check::error(
            Subject::Copies,
            said!("副本 {engine}：{error}", "{engine} copy: {error}"),
        ),
    };
    found.iter().map(check).collect()
}
