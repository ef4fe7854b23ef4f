//! How the processes of a cluster meet.
//!
//! In: their addresses. Out: a link to each of the others. Each listens at its address and calls those before it; on every
//! link both first say who they are. What must hold: only processes of one cluster are linked, all started alike, none twice.
//! Nobody who has not come is given up; but one that is gone before all have met ends the others.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use tracing::{info, warn};
use xxhash_rust::xxh3::xxh3_64;

use super::Cluster;
use crate::exit::{Exit, Failure};

/// The first word of a greeting.
const NAME: u64 = u64::from_le_bytes(*b"tributa1");
/// Between two looks for somebody.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Between two lines that say who is missing.
const TELL_INTERVAL: Duration = Duration::from_secs(5);
/// For a host to take a call, and for who calls to say who it is.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);

/// What both say first on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Greeting {
    process: u64,
    /// A number for all that must be the same.
    alike: u64,
}

impl Greeting {
    const BYTES: usize = 24;

    fn to_bytes(self) -> [u8; Greeting::BYTES] {
        let words = [NAME, self.process, self.alike].map(u64::to_le_bytes);
        words.as_flattened().try_into().expect("three words")
    }

    /// `None` of somebody else.
    fn from_bytes(bytes: [u8; Greeting::BYTES]) -> Option<Greeting> {
        let (words, _) = bytes.as_chunks();
        let [name, process, alike] = [0, 1, 2].map(|at| u64::from_le_bytes(words[at]));
        (name == NAME).then_some(Greeting { process, alike })
    }

    /// Says it and hears the other's.
    fn exchange(self, link: &mut TcpStream) -> io::Result<Greeting> {
        link.write_all(&self.to_bytes())?;
        let mut heard = [0; Greeting::BYTES];
        link.read_exact(&mut heard)?;
        Greeting::from_bytes(heard).ok_or_else(|| io::Error::other("no process of tributary"))
    }
}

/// One process on its way to the others.
pub(super) struct Meeting<'a> {
    cluster: &'a Cluster,
    greeting: Greeting,
    listener: TcpListener,
    /// By process, to those met.
    links: Vec<Option<TcpStream>>,
    told: Instant,
}

impl Meeting<'_> {
    /// Begins to listen.
    ///
    /// # Errors
    /// When its own address is not to be had.
    pub(super) fn new(cluster: &Cluster, alike: u64) -> Result<Meeting<'_>> {
        let (processes, threads) = (cluster.processes(), cluster.threads);
        let all = [alike, processes as u64, threads as u64].map(u64::to_le_bytes);
        let host = &cluster.hosts[cluster.process];
        let listener = listen(host).map_err(|error| {
            let line =
                format!("cannot listen at {host} for the other processes: {error}; see --hosts");
            Failure::new(Exit::Io, line)
        })?;
        Ok(Meeting {
            cluster,
            greeting: Greeting {
                process: cluster.process as u64,
                alike: xxh3_64(all.as_flattened()),
            },
            listener,
            links: (0..processes).map(|_| None).collect(),
            told: Instant::now(),
        })
    }

    /// Waits until all have met; the links by process, none to itself.
    ///
    /// # Errors
    /// When one was not started alike, or is gone before all have come.
    pub(super) fn meet(mut self) -> Result<Vec<Option<TcpStream>>> {
        for process in 0..self.cluster.process {
            self.call(process)?;
        }
        while let Some(missing) = self.missing() {
            if !self.answer()? {
                self.wait(missing, "it has not called")?;
            }
        }
        Ok(self.links)
    }

    /// The first of those after this one that has not called.
    fn missing(&self) -> Option<usize> {
        let after = self.cluster.process + 1;
        let place = self.links[after..].iter().position(Option::is_none)?;
        Some(after + place)
    }

    /// Calls a process until it answers.
    fn call(&mut self, process: usize) -> Result<()> {
        let (heard, link) = loop {
            match self.try_to_call(process) {
                Ok(answered) => break answered,
                Err(error) => self.wait(process, &error.to_string())?,
            }
        };
        self.check(heard)?;
        if heard.process != process as u64 {
            let host = &self.cluster.hosts[process];
            return Err(wrong(format!(
                "process {} answers at {host}, not process {process}: name --hosts in one order everywhere",
                heard.process
            )));
        }
        self.links[process] = Some(link);
        Ok(())
    }

    /// It may have to meet others before it answers, which takes as long as it takes.
    fn try_to_call(&self, process: usize) -> io::Result<(Greeting, TcpStream)> {
        let mut link = connect(&self.cluster.hosts[process])?;
        let heard = self.greeting.exchange(&mut link)?;
        // A call from a port of the system's choice to that very port reaches the caller.
        if heard == self.greeting {
            return Err(io::Error::other("nobody is there"));
        }
        keep(&link)?;
        Ok((heard, link))
    }

    /// Answers one who calls; whether anybody did.
    fn answer(&mut self) -> Result<bool> {
        let (mut link, caller) = match self.listener.accept() {
            Ok(call) => call,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => {
                warn!("a call was not to be had: {error}");
                return Ok(false);
            }
        };
        let heard = match self.try_to_answer(&mut link) {
            Ok(heard) => heard,
            Err(error) => {
                warn!("a call from {caller} is none of this cluster's: {error}");
                return Ok(true);
            }
        };
        self.check(heard)?;
        let process = usize::try_from(heard.process).unwrap_or(usize::MAX);
        match self.links.get_mut(process) {
            Some(place @ None) if process > self.cluster.process => *place = Some(link),
            _ => {
                return Err(wrong(format!(
                    "two processes are number {process}: give each a --process of its own"
                )));
            }
        }
        Ok(true)
    }

    fn try_to_answer(&self, link: &mut TcpStream) -> io::Result<Greeting> {
        link.set_nonblocking(false)?;
        link.set_read_timeout(Some(CALL_TIMEOUT))?;
        let heard = self.greeting.exchange(link)?;
        keep(link)?;
        Ok(heard)
    }

    fn check(&self, heard: Greeting) -> Result<()> {
        if heard.alike == self.greeting.alike {
            return Ok(());
        }
        Err(wrong(format!(
            "process {} was not started like this one: give each the same program, --workers, settings, key and inputs",
            heard.process
        )))
    }

    /// Waits a little for a process, as long as those met are still there.
    fn wait(&mut self, process: usize, cause: &str) -> Result<()> {
        let hosts = &self.cluster.hosts;
        let gone = |link: &Option<TcpStream>| link.as_ref().is_some_and(is_gone);
        if let Some(gone) = self.links.iter().position(gone) {
            let line = format!(
                "lost a peer process before all had met: process {gone} at {}; restart all processes",
                hosts[gone]
            );
            return Err(Failure::new(Exit::Internal, line).into());
        }
        if self.told.elapsed() >= TELL_INTERVAL {
            let host = &hosts[process];
            info!("waiting for process {process} at {host}: {cause}");
            self.told = Instant::now();
        }
        sleep(LOOK_INTERVAL);
        Ok(())
    }
}

fn wrong(line: String) -> anyhow::Error {
    Failure::new(Exit::Usage, line).into()
}

fn listen(host: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(host)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// To the first of a host's addresses that takes the call.
fn connect(host: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CALL_TIMEOUT) {
            Ok(link) => return Ok(link),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Makes a link what the workers need.
fn keep(link: &TcpStream) -> io::Result<()> {
    link.set_nodelay(true)?;
    link.set_read_timeout(None)
}

/// Whether the process at the other end is; it may have gone on to work already and sent something.
fn is_gone(link: &TcpStream) -> bool {
    let look = link
        .set_nonblocking(true)
        .and_then(|()| link.peek(&mut [0]));
    let is_there = match look {
        Ok(bytes) => bytes > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    };
    !is_there || link.set_nonblocking(false).is_err()
}

#[cfg(test)]
mod tests {
    use std::thread::{JoinHandle, spawn};

    use super::*;

    type Met = Result<Vec<Option<TcpStream>>>;

    /// Addresses of loopback; all are held until all are known, so that they differ.
    fn free_hosts(count: usize) -> Vec<String> {
        let listeners: Vec<_> = (0..count)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"))
            .collect();
        let host = |listener: &TcpListener| listener.local_addr().expect("bound").to_string();
        listeners.iter().map(host).collect()
    }

    fn cluster(hosts: &[String], process: usize) -> Cluster {
        Cluster {
            threads: 1,
            hosts: hosts.to_vec(),
            process,
        }
    }

    fn meeting(cluster: Cluster, alike: u64) -> JoinHandle<Met> {
        spawn(move || Meeting::new(&cluster, alike)?.meet())
    }

    fn failure(met: JoinHandle<Met>) -> String {
        let met = met.join().expect("no panic");
        met.expect_err("they cannot meet").to_string()
    }

    #[test]
    fn those_who_come_in_any_order_are_linked_by_number() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let hosts = free_hosts(3);
            let mut meetings = [const { None }; 3];
            for process in order {
                meetings[process] = Some(meeting(cluster(&hosts, process), 7));
                sleep(Duration::from_millis(70));
            }
            let mut links =
                meetings.map(|it| it.expect("each").join().expect("no panic").expect("met"));
            for (process, links) in links.iter_mut().enumerate() {
                assert_eq!(links.len(), 3);
                assert!(links[process].is_none());
                for mut link in links.iter().flatten() {
                    link.write_all(&[process as u8])
                        .expect("the other is there");
                }
            }
            for links in &mut links {
                for (process, link) in links.iter_mut().enumerate() {
                    let mut heard = [9];
                    if let Some(link) = link {
                        link.read_exact(&mut heard).expect("it has said something");
                        assert_eq!(heard, [process as u8]);
                    }
                }
            }
        }
    }

    #[test]
    fn strangers_are_not_linked_and_disturb_nobody() {
        let hosts = free_hosts(2);
        let first = meeting(cluster(&hosts, 0), 7);
        let call = || loop {
            if let Ok(link) = TcpStream::connect(&hosts[0]) {
                break link;
            }
        };
        let mut asks = call();
        asks.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            .expect("it is taken");
        let _says_nothing = call();
        drop(call());
        let second = meeting(cluster(&hosts, 1), 7);
        for met in [first, second] {
            assert!(met.join().expect("no panic").is_ok());
        }
    }

    /// Whoever listens there at first is no process of ours, and hangs up.
    #[test]
    fn one_who_answers_and_is_a_stranger_is_called_again() {
        let hosts = free_hosts(2);
        let stranger = TcpListener::bind(&hosts[0]).expect("the port is free");
        let second = meeting(cluster(&hosts, 1), 7);
        for said in [&b"SSH-2.0-OpenSSH_9.2p1 and so on\r\n"[..], b""] {
            let (mut link, _) = stranger.accept().expect("it calls");
            link.write_all(said).expect("it listens");
        }
        drop(stranger);
        let first = meeting(cluster(&hosts, 0), 7);
        for met in [first, second] {
            assert!(met.join().expect("no panic").is_ok());
        }
    }

    #[test]
    fn processes_that_differ_both_end() {
        let more_threads = |cluster: Cluster| Cluster {
            threads: 2,
            ..cluster
        };
        for (other_threads, other_alike) in [(false, 8), (true, 7)] {
            let hosts = free_hosts(2);
            let mut second = cluster(&hosts, 1);
            if other_threads {
                second = more_threads(second);
            }
            let both = [meeting(cluster(&hosts, 0), 7), meeting(second, other_alike)];
            for (met, other) in both.into_iter().zip([1, 0]) {
                let line = failure(met);
                assert!(
                    line.starts_with(&format!("process {other} was not started like this one")),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn two_of_one_number_are_one_too_many() {
        let hosts = free_hosts(3);
        let first = meeting(cluster(&hosts, 0), 7);
        let port = free_hosts(1);
        let elsewhere = [hosts[0].clone(), port[0].clone(), hosts[2].clone()];
        let twice = [&hosts, &elsewhere.to_vec()].map(|hosts| meeting(cluster(hosts, 1), 7));
        assert_eq!(
            failure(first),
            "two processes are number 1: give each a --process of its own"
        );
        for met in twice {
            assert!(failure(met).starts_with("lost a peer process"));
        }
    }

    #[test]
    fn hosts_in_another_order_are_refused() {
        let hosts = free_hosts(3);
        let middle = meeting(cluster(&hosts, 1), 7);
        let swapped = [hosts[1].clone(), hosts[0].clone(), hosts[2].clone()];
        let last = meeting(cluster(&swapped, 2), 7);
        let first = meeting(cluster(&hosts, 0), 7);
        let line = failure(last);
        assert!(line.starts_with("process 1 answers at"), "{line}");
        // All that it needs have called; it goes on to work and finds out there.
        drop(middle.join().expect("no panic").expect("met"));
        assert!(failure(first).starts_with("lost a peer process"));
    }

    #[test]
    fn one_that_is_gone_before_all_have_met_ends_the_others() {
        let hosts = free_hosts(3);
        let first = meeting(cluster(&hosts, 0), 7);
        let greeting = Meeting::new(&cluster(&hosts, 1), 7)
            .expect("a port")
            .greeting;
        let mut link = loop {
            if let Ok(link) = TcpStream::connect(&hosts[0]) {
                break link;
            }
        };
        let heard = greeting.exchange(&mut link).expect("it answers");
        assert_eq!(
            heard,
            Greeting {
                process: 0,
                ..greeting
            }
        );
        sleep(Duration::from_millis(150));
        assert!(!first.is_finished());
        drop(link);
        assert!(
            failure(first).starts_with("lost a peer process before all had met: process 1 at 127.")
        );
    }

    #[test]
    fn an_address_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = taken.local_addr().expect("bound").to_string();
        let line = failure(meeting(cluster(&[host.clone(), "a:1".to_owned()], 0), 7));
        assert!(
            line.starts_with(&format!(
                "cannot listen at {host} for the other processes: "
            )),
            "{line}"
        );
    }
}
