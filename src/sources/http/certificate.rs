//! What can be wrong with a server's certificate.

/// What kept a server's certificate from being believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    UnknownIssuer,
    /// The server's certificate is one of those that sign others, as Netdata's documentation makes it.
    IsCa,
    OtherName,
    Other,
}

impl CertificateProblem {
    /// By the words of the TLS library, whose error the layers above hide.
    pub fn find(cause: &str) -> Option<Self> {
        let problem = cause.strip_prefix("invalid peer certificate: ")?;
        // One of the issuer's name is known, but of another key: the certificate was made anew.
        let is_unknown = ["UnknownIssuer", "BadSignature"];
        Some(if is_unknown.iter().any(|word| problem.contains(word)) {
            Self::UnknownIssuer
        } else if problem.contains("CaUsedAsEndEntity") {
            Self::IsCa
        } else if problem.contains("not valid for name") || problem.contains("NotValidForName") {
            Self::OtherName
        } else {
            Self::Other
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_problem_with_a_certificate_is_known_by_its_words() {
        for (cause, problem) in [
            (
                "invalid peer certificate: UnknownIssuer",
                Some(CertificateProblem::UnknownIssuer),
            ),
            (
                "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
                Some(CertificateProblem::IsCa),
            ),
            (
                "invalid peer certificate: certificate not valid for name \"n\"; certificate is only valid for DnsName(\"m\")",
                Some(CertificateProblem::OtherName),
            ),
            (
                "invalid peer certificate: BadSignature",
                Some(CertificateProblem::UnknownIssuer),
            ),
            (
                "invalid peer certificate: Expired",
                Some(CertificateProblem::Other),
            ),
            ("UnknownIssuer", None),
        ] {
            assert_eq!(CertificateProblem::find(cause), problem, "{cause}");
        }
    }
}
