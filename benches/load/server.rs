//! The built program in a process of its own, to be put under load.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::now_ms;

/// The program under load.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Server {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("there is a free port");
        let child = Command::new(env!("CARGO_BIN_EXE_tributary"))
            .args(["run", "--workers", "1", "--address", &address.to_string()])
            .args(arguments)
            .env("TRIBUTARY__RUN__DEVELOPMENT", "true")
            // Next to nothing to catch up with.
            .env("TRIBUTARY__RUN__PAST", "1s")
            .env_remove("TRIBUTARY_CONFIG")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut server = Server { child, address };
        let log = server.child.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(log).lines();
        while !lines
            .next()
            .expect("it serves before it ends")
            .expect("the log is text")
            .contains("serving")
        {}
        std::thread::spawn(move || {
            lines.for_each(|line| eprintln!("{}", line.unwrap_or_default()))
        });
        server
    }

    pub(crate) fn rss_kib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the server lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.parse().ok()).unwrap_or(f64::NAN)
    }

    /// CPU seconds so far.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("the server lives");
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2);
        ticks
            .filter_map(|ticks| ticks.parse::<f64>().ok())
            .sum::<f64>()
            / 100.0
    }

    /// Posts one event.
    pub(crate) fn post(&self, id: usize) {
        let now = now_ms();
        let line = format!(
            "{{\"event_type\":\"ad_click\",\"event_time\":{now},\"event_id\":\"{id}\",\"user_id\":\"u{id}\",\"advertiser\":\"acme\",\"channel\":\"search\"}}\n"
        );
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        let head = format!(
            "POST /api/v1/events HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{line}",
            self.address,
            line.len()
        );
        stream.write_all(head.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the server answers");
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
