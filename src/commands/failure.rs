//! What an error that ends a run means to its caller.

use super::request::RequestError;
use crate::model::{DateError, ExitStatus};
use crate::settings::{ConfigError, SecretError};
use crate::store::{OpenError, OtherSettings, PseudonymKeyError};

pub fn exit_status(error: &anyhow::Error) -> ExitStatus {
    if let Some(error) = error.downcast_ref::<RequestError>() {
        return error.exit_status;
    }
    if error.is::<DateError>() {
        return ExitStatus::Usage;
    }
    if error.is::<ConfigError>() || error.is::<SecretError>() {
        return ExitStatus::Configuration;
    }
    if error.is::<OtherSettings>() {
        return ExitStatus::Configuration;
    }
    if let Some(OpenError::Locked { .. }) = error.downcast_ref() {
        return ExitStatus::Locked;
    }
    match error.downcast_ref() {
        Some(PseudonymKeyError::NotWritten(_) | PseudonymKeyError::NoRandomness) | None => {
            ExitStatus::Failed
        }
        Some(_) => ExitStatus::Configuration,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OtherSetting;
    use crate::store::WriteError;
    use std::path::PathBuf;

    #[test]
    fn an_error_has_the_status_of_its_kind() {
        let path = PathBuf::from("x");
        let cause = || std::io::ErrorKind::NotFound.into();
        let written = || WriteError {
            path: path.clone(),
            cause: cause(),
        };
        let date = "2025-08-01".parse().expect("a date");
        let cases: [(anyhow::Error, u8); 12] = [
            (anyhow::anyhow!("anything else"), 1),
            (written().into(), 1),
            (OpenError::from(written()).into(), 1),
            (RequestError::usage("x".to_owned()).into(), 2),
            (
                RequestError {
                    message: "x".to_owned(),
                    exit_status: ExitStatus::Failed,
                }
                .into(),
                1,
            ),
            (DateError::TooEarly(date).into(), 2),
            (
                ConfigError::Unreadable {
                    path: path.clone(),
                    cause: cause(),
                    advice: "x",
                }
                .into(),
                10,
            ),
            (
                OtherSettings {
                    path: path.clone(),
                    setting: OtherSetting::Zone(0),
                }
                .into(),
                10,
            ),
            (SecretError::Unusable("x".to_owned()).into(), 10),
            (PseudonymKeyError::Damaged { path: path.clone() }.into(), 10),
            (PseudonymKeyError::NotWritten(written()).into(), 1),
            (
                OpenError::Locked {
                    root: path.clone(),
                    holder: "1".to_owned(),
                }
                .into(),
                11,
            ),
        ];
        for (error, status) in cases {
            assert_eq!(u8::from(exit_status(&error)), status, "{error}");
        }
    }
}
