//! Who is asked: HTTP, the Netdata client, the management API's client.

pub mod http;
pub mod management_api;
pub mod netdata;
pub mod parallel;
