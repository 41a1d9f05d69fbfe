//! The digest by mail: what a week or a month came to, sent once, by the first run after it.

use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Utc};
use pretty_assertions::assert_eq;

use crate::simulated_cluster::SimulatedNode;
use crate::support::{DATE, Lab, World};
use crate::workbook::part;

/// A mail server without TLS, which takes whatever is for these recipients and refuses all others.
struct Mailbox {
    port: u16,
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

impl Mailbox {
    fn start(recipients: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let mails = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mails = Arc::clone(&mails);
                thread::spawn(move || serve(stream, recipients, &mails));
            }
        });
        Self { port, taken }
    }

    fn table(&self) -> String {
        format!(
            "[notify.smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"gpulog@example.org\"\n\
             to = [\"a@example.org\", \"b@example.org\"]\n",
            self.port
        )
    }

    /// By recipient.
    fn mails(&self) -> Vec<(String, String)> {
        let mut mails = self.taken.lock().expect("the mails").clone();
        mails.sort();
        mails
    }
}

fn serve(stream: TcpStream, recipients: &[&str], mails: &Mutex<Vec<(String, String)>>) {
    let mut out = stream.try_clone().expect("a socket");
    let mut say = |line: &str| out.write_all(format!("{line}\r\n").as_bytes()).is_ok();
    say("220 test");
    let (mut recipient, mut mail, mut is_data) = (String::new(), String::new(), false);
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let answer = if is_data {
            if line != "." {
                mail.push_str(&line);
                mail.push('\n');
                continue;
            }
            is_data = false;
            mails
                .lock()
                .expect("the mails")
                .push((recipient.clone(), std::mem::take(&mut mail)));
            "250 taken"
        } else if line.starts_with("RCPT") {
            line.split(['<', '>'])
                .nth(1)
                .unwrap_or_default()
                .clone_into(&mut recipient);
            if recipients.contains(&recipient.as_str()) {
                "250 fine"
            } else {
                "550 no such user"
            }
        } else if line.starts_with("DATA") {
            is_data = true;
            "354 go on"
        } else {
            "250 fine"
        };
        say(answer);
    }
}

/// The decoded parts of a mail, in order.
fn parts(mail: &str) -> Vec<(String, Vec<u8>)> {
    let (_, boundary) = mail.split_once("boundary=\"").expect("parts");
    let boundary = format!("--{}", boundary.split('"').next().expect("a boundary"));
    let parts = mail
        .split(&boundary)
        .skip(1)
        .filter(|part| !part.starts_with("--"));
    let decoded = parts.map(|part| {
        let (head, body) = part.trim_start().split_once("\n\n").expect("a head");
        let bytes = if head.contains("base64") {
            base64(body)
        } else {
            body.as_bytes().to_vec()
        };
        (head.to_owned(), bytes)
    });
    decoded.collect()
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| -> Option<u32> {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let place = digits.iter().position(|digit| *digit == byte)?;
        u32::try_from(place).ok()
    };
    let digits: Vec<u32> = text.bytes().filter_map(digit).collect();
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let bits = (0..4).fold(0, |bits, place| {
            bits << 6 | four.get(place).copied().unwrap_or(0)
        });
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    bytes
}

/// Monday to Sunday of the last week that is over.
fn last_week() -> (NaiveDate, NaiveDate) {
    let today = Utc::now().date_naive();
    let monday = today - Days::new(today.weekday().num_days_from_monday().into());
    (monday - Days::new(7), monday - Days::new(1))
}

fn world(mailbox: &Mailbox, keys: &str) -> World {
    let node = SimulatedNode::new("gpu-a").cards(&[1]);
    let tables = format!("[notify]\ndigest = \"weekly\"\n{keys}{}", mailbox.table());
    Lab::new().node(node).tables(&tables).start()
}

/// A report of the last day of the week, on which alice had a GPU for ten hours and left it idle for six.
fn write_report(world: &World) {
    let (_, sunday) = last_week();
    let start = sunday.and_time(NaiveTime::MIN).and_utc().timestamp();
    let header = include_str!("../../fixtures/golden/users_2025-08-01.csv");
    let header = header.lines().next().expect("a header");
    let end = start + 86_400;
    let row = format!(
        "配置,alice,gpu-a,GPU[0],0,0,0,0,40,20,100.00,36000,14400,21600,0,0,0,36000,{start},{end},\n"
    );
    world.write(
        &format!("data/reports/users_{sunday}.csv"),
        &format!("{header}\n{row}"),
    );
}

#[test]
fn the_first_run_after_a_week_sends_it_once_and_without_names() {
    let mailbox = Mailbox::start(&["a@example.org", "b@example.org"]);
    let world = world(&mailbox, "");
    write_report(&world);
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
    let mails = mailbox.mails();
    let to: Vec<_> = mails.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["a@example.org", "b@example.org"]);
    let parts = parts(&mails[0].1);
    let text = String::from_utf8_lossy(&parts[0].1).replace('\r', "");
    let (monday, sunday) = last_week();
    assert!(
        text.starts_with(
            "時數 10.00 GPU 小時：使用中 4.00、閒置 6.00（60.00%）、無讀數 0.00；涵蓋率 100.00%\n"
        ),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "{monday} 到 {sunday} 各使用者的 GPU 小時（7 天，其中 "
        )),
        "{text}"
    );
    assert!(text.contains("user-") && !text.contains("alice"), "{text}");
    let name = format!("users_{monday}_{sunday}.xlsx");
    let page = format!("report_{monday}_{sunday}.html");
    assert!(
        text.contains(&format!("附件：{name}, {page}\n")) && parts[1].0.contains(&name),
        "{text}"
    );
    let strings = part(Cursor::new(&parts[1].1[..]), "xl/sharedStrings.xml");
    assert!(
        strings.contains("user-") && !strings.contains("alice"),
        "{strings}"
    );
    let (head, bytes) = &parts[2];
    assert!(
        head.contains(&page) && head.contains("Content-Type: text/html; charset=utf-8"),
        "{head}"
    );
    let page = String::from_utf8_lossy(bytes);
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("user-") && !page.contains("alice"), "{page}");
    let command = format!("daily-gpu-log report {monday} --to {sunday} --anonymize");
    assert!(page.contains(&command), "{page}");
    // The second run, and one of some nodes, have nothing to send.
    let _ = world.run(&[DATE]).exits(0);
    let _ = world.run(&[DATE, "--node", "gpu-a"]).exits(0);
    assert_eq!(mailbox.mails().len(), 2);
}

#[test]
fn names_are_in_it_where_the_settings_say_so() {
    let mailbox = Mailbox::start(&["a@example.org", "b@example.org"]);
    let world = world(&mailbox, "include_users = true\n");
    write_report(&world);
    let _ = world.run(&[DATE]).exits(0);
    let parts = parts(&mailbox.mails()[0].1);
    for part in [&parts[0], &parts[2]] {
        assert!(String::from_utf8_lossy(&part.1).contains("alice"));
    }
}

#[test]
fn the_page_is_in_the_language_of_the_mail() {
    let mailbox = Mailbox::start(&["a@example.org", "b@example.org"]);
    let world = world(&mailbox, "");
    write_report(&world);
    let _ = world.run(&[DATE, "--lang", "en"]).exits(0);
    let parts = parts(&mailbox.mails()[0].1);
    let [text, page] = [0, 2].map(|part| String::from_utf8_lossy(&parts[part].1));
    assert!(text.contains("Attached: users_"), "{text}");
    assert!(
        page.contains("<html lang=\"en\">") && page.contains("--anonymize --lang en"),
        "{page}"
    );
}

#[test]
fn a_mail_that_fails_is_an_error_and_is_tried_again_for_that_recipient() {
    let refusing = Mailbox::start(&["a@example.org"]);
    let world = world(&refusing, "");
    write_report(&world);
    let (monday, sunday) = last_week();
    let _ = world.run(&[DATE]).exits(3).stderr_has(&format!(
        "錯誤：{monday} 到 {sunday} 的用量摘要沒有寄出，下次執行時再試：無法寄信給 b@example.org"
    ));
    let digests = |mailbox: &Mailbox| {
        let mails = mailbox.mails().into_iter();
        let digests = mails.filter(|(_, mail)| mail.contains(".xlsx"));
        digests.map(|(to, _)| to).collect::<Vec<_>>()
    };
    assert_eq!(digests(&refusing), ["a@example.org"]);
    let taking = Mailbox::start(&["a@example.org", "b@example.org"]);
    let (old, new) = (refusing.port.to_string(), taking.port.to_string());
    world.edit_settings(&format!("port = {old}"), &format!("port = {new}"));
    let _ = world.run(&[DATE]).exits(0);
    assert_eq!(digests(&taking), ["b@example.org"]);
}

#[test]
fn without_a_report_there_is_nothing_to_send_and_without_a_server_no_way() {
    let mailbox = Mailbox::start(&["a@example.org", "b@example.org"]);
    let world = world(&mailbox, "");
    // Not of that week.
    let _ = world.run(&[DATE]).exits(0);
    assert_eq!(mailbox.mails(), []);
    write_report(&world);
    let settings = world.read("daily-gpu-log.toml");
    let without = settings.split("[notify.smtp]").next().expect("a part");
    world.write("daily-gpu-log.toml", without);
    let _ = world
        .run(&[DATE])
        .exits(3)
        .stderr_is("錯誤：用量摘要（notify.digest）要以郵件寄出：請設定 [notify.smtp]\n");
    let _ = world
        .run(&["check"])
        .exits(10)
        .stdout_has("用量摘要（notify.digest）要以郵件寄出");
    world.write("daily-gpu-log.toml", &settings);
    world.write("data/.daily-gpu-log/digest.json", "{");
    let _ = world
        .run(&[DATE])
        .exits(3)
        .stderr_has("digest.json 無法解析");
    assert_eq!(
        mailbox
            .mails()
            .iter()
            .filter(|(_, mail)| mail.contains(".xlsx"))
            .count(),
        0
    );
}
