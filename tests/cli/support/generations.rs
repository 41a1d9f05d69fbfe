//! Tests of what agents of different versions answer differently.

/// Makes two tests of each function: with the agents of 1.37, and with those of 2.11.
macro_rules! with_both_generations {
    ($($test:ident)*) => {
        mod v1_37 {
            $(#[test] fn $test() {
                let version = crate::simulated_cluster::Version::V1_37;
                crate::simulated_cluster::with_agents(version, super::$test);
            })*
        }
        mod v2_11 {
            $(#[test] fn $test() {
                let version = crate::simulated_cluster::Version::V2_11;
                crate::simulated_cluster::with_agents(version, super::$test);
            })*
        }
    };
}

pub(crate) use with_both_generations;
