//! A GPU's UUID, whatever tool wrote it.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A GPU's UUID, in the one form in which two spellings of it are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GpuUuid {
    /// The `unique_id` of an AMD GPU. The API writes `APU-70cb99ce3e214bda`, sysfs `70cb99ce3e214bda`, `rocm-smi`
    /// `0x70cb99ce3e214bda`, `amd-smi` `70ff74a1-0000-1000-80cb-99ce3e214bda`, and leading zeros may be lost on the way.
    Amd(NonZeroU64),
    /// That of another vendor's, in small letters.
    Text(Arc<str>),
}

/// The longest text that is taken for a UUID.
const LONGEST: usize = 128;

impl GpuUuid {
    /// Reads any of the spellings, or `None` where the text names no GPU. Zero is no id either.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().to_lowercase();
        let is_amd = lower.starts_with("apu-");
        let bare = lower
            .strip_prefix("apu-")
            .or_else(|| lower.strip_prefix("gpu-"))
            .unwrap_or(&lower);
        if let Some(unique_id) = unique_id(bare) {
            return NonZeroU64::new(unique_id).map(Self::Amd);
        }
        (!is_amd && is_of_another_vendor(&lower)).then(|| Self::Text(lower.into()))
    }
}

/// The `unique_id` in digits or in the form of `amd-smi`.
fn unique_id(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if is_hex(digits) {
        return u64::from_str_radix(digits, 16).ok();
    }
    // `<byte 0>ff<device>-0000-1000-80<byte 1>-<bytes 2 to 7>`. Another number for `ff` is a virtual function's.
    let parts: Vec<_> = text.split('-').collect();
    let [device, "0000", "1000", clock, last] = parts[..] else {
        return None;
    };
    let is_whole = (device.len(), clock.len(), last.len()) == (8, 4, 12);
    if !is_whole || ![device, clock, last].into_iter().all(is_hex) || &device[2..4] != "ff" {
        return None;
    }
    let first = &device[..2];
    let second = clock.strip_prefix("80")?;
    u64::from_str_radix(&format!("{first}{second}{last}"), 16).ok()
}

/// Hexadecimal digits alone are a `unique_id` that is none, unless they are those of a UUID without its hyphens; without
/// any digit it is what tools write for a GPU of which they know none, as `N/A`.
fn is_of_another_vendor(text: &str) -> bool {
    let is_visible = text.chars().all(|c| c.is_ascii_graphic());
    let is_digits = is_hex(text.strip_prefix("0x").unwrap_or(text)) && text.len() != 32;
    // The name before it may have digits of its own.
    let id = text.rsplit_once("pu-").map_or(text, |(_, id)| id);
    let is_zero = !id
        .bytes()
        .any(|byte| matches!(byte, b'1'..=b'9' | b'a'..=b'f'));
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    (8..=LONGEST).contains(&text.len()) && is_visible && has_digit && !is_digits && !is_zero
}

fn is_hex(text: &str) -> bool {
    // `from_str_radix` alone would take a sign.
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for GpuUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amd(unique_id) => write!(f, "APU-{unique_id:016x}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for GpuUuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_uuid_are_equal() {
        let spelled = [
            "APU-00cb99ce3e214bda",
            "0xCB99CE3E214BDA",
            "GPU-cb99ce3e214bda",
            " apu-0x00CB99ce3e214bda ",
            "00ff74a1-0000-1000-80cb-99ce3e214bda",
            "00FF74B5-0000-1000-80CB-99CE3E214BDA",
            "GPU-00ff74a1-0000-1000-80cb-99ce3e214bda",
        ];
        for text in spelled {
            let uuid = GpuUuid::parse(text).expect(text);
            assert_eq!(uuid.to_string(), "APU-00cb99ce3e214bda", "{text}");
        }
    }

    #[test]
    fn byte_0_and_the_last_seven_of_amd_smi_are_the_unique_id() {
        let uuid = GpuUuid::parse("70ff74a1-0000-1000-80cb-99ce3e214bda").expect("a UUID");
        assert_eq!(uuid.to_string(), "APU-70cb99ce3e214bda");
    }

    #[test]
    fn uuids_of_other_vendors_are_compared_without_case() {
        for (text, other) in [
            (
                "GPU-8f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
                "gpu-8F1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9",
            ),
            (
                "MIG-GPU-8f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9/1/0",
                "mig-gpu-8f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9/1/0",
            ),
            // A virtual function's is not the GPU's.
            (
                "7001744a-0000-1000-80cb-99ce3e214bda",
                "7001744A-0000-1000-80CB-99CE3E214BDA",
            ),
            (
                "8f1b2c3d4e5f60718293a4b5c6d7e8f9",
                "8F1B2C3D4E5F60718293A4B5C6D7E8F9",
            ),
        ] {
            let uuid = GpuUuid::parse(text).expect(text);
            assert!(matches!(uuid, GpuUuid::Text(_)), "{text}");
            assert_eq!(GpuUuid::parse(other).as_ref(), Some(&uuid), "{other}");
            assert_eq!(GpuUuid::parse(&uuid.to_string()), Some(uuid), "{text}");
        }
    }

    #[test]
    fn what_names_no_gpu_is_no_uuid() {
        let texts = [
            "",
            "APU-",
            "N/A",
            "unknown",
            "undefined",
            "+1",
            "70cb99ce3e214bda0",
            "0x70cb99ce3e214bda0",
            "APU-70cb 99ce",
            "APU-8f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
            "0x0",
            "APU-0000000000000000",
            "00000000000000000000",
            "00000000-0000-0000-0000-000000000000",
            "00000000000000000000000000000000",
            "GPU-00000000-0000-0000-0000-000000000000",
            "00ff74a1-0000-1000-8000-000000000000",
        ];
        for text in texts {
            assert_eq!(GpuUuid::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn spellings_are_equal_if_and_only_if_the_ids_are(
            id in 1..=u64::MAX, other in 1..=u64::MAX, prefix in "(APU-|GPU-|apu-)?(0x|0X)?0{0,3}", upper: bool, device: u16,
        ) {
            let digits = if upper { format!("{id:X}") } else { format!("{id:x}") };
            let spelled = GpuUuid::parse(&format!("{prefix}{digits}")).expect("an UUID");
            let plain = |id: u64| GpuUuid::parse(&format!("{id:016x}")).expect("an UUID");
            prop_assert_eq!(&spelled, &plain(id));
            prop_assert_eq!(spelled == plain(other), id == other);
            let whole = format!("{id:016x}");
            let of_amd_smi = format!("{}ff{device:04x}-0000-1000-80{}-{}", &whole[..2], &whole[2..4], &whole[4..]);
            prop_assert_eq!(GpuUuid::parse(&of_amd_smi), Some(spelled));
        }

        #[test]
        fn no_text_panics(text in "\\PC*|(APU-|GPU-)?[-0-9a-fA-Fx]{0,40}") {
            let _ = GpuUuid::parse(&text);
        }
    }
}
