//! What the figures of a workbook mean.

use crate::model::{Thresholds, said, text};

pub fn meanings(thresholds: Thresholds) -> [(&'static str, String); 8] {
    let Thresholds {
        idle, vram_floor, ..
    } = thresholds;
    let (idle, vram) = (idle.percent(), vram_floor.percent());
    [
            (
                text("時數", "Held"),
                text(
                    "任務佔用 GPU 的時間：一張 GPU 一小時是 1。使用中＋閒置＋無讀數。",
                    "The time for which a task held a GPU: an hour of one GPU is 1. Active + idle + no readings.",
                )
                .to_owned(),
            ),
            (
                text("使用中", "Active"),
                said!(
                    "GPU 使用率超過 {idle}% 的時數。",
                    "The hours with a GPU reading over {idle}%."
                ),
            ),
            (
                text("閒置", "Idle"),
                said!(
                    "GPU 使用率不超過 {idle}% 的時數。",
                    "The hours with a GPU reading of at most {idle}%."
                ),
            ),
            (
                text("閒置佔用VRAM", "Idle, VRAM held"),
                said!(
                    "閒置時數中 VRAM 使用率超過 {vram}% 的部分。",
                    "The part of the idle hours with a VRAM reading over {vram}%."
                ),
            ),
            (
                text("無讀數", "No readings"),
                text(
                    "沒有 GPU 讀數、無法得知是否使用的時數。",
                    "The hours without a GPU reading: nobody knows whether it was used.",
                )
                .to_owned(),
            ),
            (
                text("平均", "Means"),
                text(
                    "佔用期間讀數的平均，依秒數加權；節點與日期的平均則是該節點所有 GPU 全天的平均。",
                    "Over the readings of the time held, weighted by seconds; those of nodes by day are over all GPUs of the node and the whole day.",
                )
                .to_owned(),
            ),
            (
                text("涵蓋率", "Coverage"),
                text(
                    "100 ×（使用中＋閒置）÷ 時數，無條件捨去。",
                    "100 x (active + idle) / held, rounded down.",
                )
                .to_owned(),
            ),
            (
                text("合計", "Total"),
                text(
                    "兩位使用者同時佔用的 GPU，兩人都計入。",
                    "Of a GPU that two users held at once, both have that time.",
                )
                .to_owned(),
            ),
        ]
}
