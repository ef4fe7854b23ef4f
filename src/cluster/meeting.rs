//! How the processes of a cluster meet.
//!
//! In: their addresses. Out: a link to each of the others. Each listens at its address and calls those before it; on every
//! link both say who they are, the caller first. Who has met all says so on every link, and goes to work when all have said so.
//! What must hold: only processes of one cluster are linked, all started alike, none twice; nobody waits for the answer of one
//! alone; until all have met, nothing but greetings is on the links, so that one that is gone is noticed, and ends the others.
//! Who has not come is waited for without a deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use tracing::{info, warn};
use xxhash_rust::xxh3::xxh3_64;

use super::Cluster;
use crate::exit::{Exit, Failure};

/// The first word of a greeting.
const NAME: u64 = u64::from_le_bytes(*b"tributa1");
/// What one says who has met all.
const READY: u8 = 1;
/// Between two looks at everybody.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// From a call that was in vain to the next.
const CALL_INTERVAL: Duration = Duration::from_millis(100);
/// Between two lines that say who is missing.
const TELL_INTERVAL: Duration = Duration::from_secs(5);
/// For a host to take a call, and for who calls to say who it is.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);
/// Callers heard at a time; others wait.
const CALLERS_MAX: usize = 64;

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
}

/// A link on which the other has not said yet who it is.
struct Call {
    link: TcpStream,
    heard: [u8; Greeting::BYTES],
    len: usize,
    began: Instant,
}

impl Call {
    fn new(link: TcpStream) -> io::Result<Call> {
        link.set_nonblocking(true)?;
        link.set_nodelay(true)?;
        Ok(Call {
            link,
            heard: [0; Greeting::BYTES],
            len: 0,
            began: Instant::now(),
        })
    }

    /// What it has said, once that is whole.
    fn hear(&mut self) -> io::Result<Option<Greeting>> {
        while self.len < Greeting::BYTES {
            match self.link.read(&mut self.heard[self.len..]) {
                Ok(0) => return Err(io::Error::other("it hung up")),
                Ok(bytes) => self.len += bytes,
                Err(error) if is_for_later(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let greeting = Greeting::from_bytes(self.heard);
        let stranger = || io::Error::other("it is no process of tributary");
        greeting.ok_or_else(stranger).map(Some)
    }

    /// As of one who was called, who must not be quick but must not be silent for long either.
    fn hear_soon(&mut self) -> io::Result<Option<Greeting>> {
        match self.hear()? {
            None if self.began.elapsed() > CALL_TIMEOUT => {
                Err(io::Error::other("it did not say in time who it is"))
            }
            heard => Ok(heard),
        }
    }
}

/// A link to a process that has been met.
struct Peer {
    link: TcpStream,
    is_ready: bool,
}

impl Peer {
    /// Whether it is still there; notes that it is ready.
    fn look(&mut self) -> bool {
        let is_there = |looked: io::Result<usize>| match looked {
            Ok(bytes) => bytes > 0,
            Err(error) => is_for_later(&error),
        };
        if !self.is_ready {
            let read = self.link.read(&mut [0]);
            self.is_ready = matches!(read, Ok(1));
            if !self.is_ready {
                return is_there(read);
            }
        }
        // What comes after that is work.
        is_there(self.link.peek(&mut [0]))
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// One process on its way to the others.
pub(super) struct Meeting<'a> {
    cluster: &'a Cluster,
    greeting: Greeting,
    listener: TcpListener,
    /// By process: those called, and what came of the last call.
    calls: Vec<(Option<Call>, String)>,
    next_call: (usize, Instant),
    callers: Vec<(Call, SocketAddr)>,
    /// By process.
    peers: Vec<Option<Peer>>,
    is_ready: bool,
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
        let not_called = || (None, "it has not been called".to_owned());
        Ok(Meeting {
            cluster,
            greeting: Greeting {
                process: cluster.process as u64,
                alike: xxh3_64(all.as_flattened()),
            },
            listener,
            calls: (0..cluster.process).map(|_| not_called()).collect(),
            next_call: (0, Instant::now()),
            callers: Vec::new(),
            peers: (0..processes).map(|_| None).collect(),
            is_ready: false,
            told: Instant::now(),
        })
    }

    /// Waits until all have met all; the links by process, none to itself.
    ///
    /// # Errors
    /// When one was not started alike, or is gone before all have met.
    pub(super) fn meet(mut self) -> Result<Vec<Option<TcpStream>>> {
        loop {
            self.call();
            self.hear_called()?;
            self.answer();
            self.hear_callers()?;
            self.look()?;
            let Some((process, why)) = self.waits_for() else {
                break;
            };
            if self.told.elapsed() >= TELL_INTERVAL {
                let host = &self.cluster.hosts[process];
                info!("waiting for process {process} at {host}: {why}");
                self.told = Instant::now();
            }
            sleep(LOOK_INTERVAL);
        }
        let links = self.peers.into_iter().map(|peer| Some(peer?.link));
        Ok(links.collect())
    }

    /// Who is not there or not ready, and why. Tells the others when all are there.
    fn waits_for(&mut self) -> Option<(usize, String)> {
        let mut others = (0..self.peers.len()).filter(|&process| process != self.cluster.process);
        let missing = others
            .clone()
            .find(|&process| self.peers[process].is_none());
        if let Some(process) = missing {
            let called = self.calls.get(process);
            let why = called.map_or("it has not called", |(_, why)| why);
            return Some((process, why.to_owned()));
        }
        if !self.is_ready {
            self.is_ready = true;
            for peer in self.peers.iter_mut().flatten() {
                // One that is gone is noticed by the next look.
                let _ = peer.link.write_all(&[READY]);
            }
        }
        let is_ready =
            |process: &usize| self.peers[*process].as_ref().is_some_and(|it| it.is_ready);
        let late = others.find(|process| !is_ready(process))?;
        Some((late, "it has not met all others".to_owned()))
    }

    /// Calls one of those before this one that is neither met nor called, if it is time to.
    fn call(&mut self) {
        let (first, due) = self.next_call;
        let count = self.calls.len();
        let is_due =
            |process: &usize| self.peers[*process].is_none() && self.calls[*process].0.is_none();
        let next = (first..count).chain(0..first).find(is_due);
        let Some(process) = next.filter(|_| due <= Instant::now()) else {
            return;
        };
        match dial(&self.cluster.hosts[process], self.greeting) {
            Ok(call) => self.calls[process] = (Some(call), "it has not answered".to_owned()),
            Err(error) => self.called_in_vain(process, &error),
        }
        self.next_call.0 = (process + 1) % count;
    }

    fn called_in_vain(&mut self, process: usize, error: &io::Error) {
        self.calls[process] = (None, error.to_string());
        self.next_call.1 = Instant::now() + CALL_INTERVAL;
    }

    /// Hears what those say who were called.
    fn hear_called(&mut self) -> Result<()> {
        for process in 0..self.calls.len() {
            let (Some(call), _) = &mut self.calls[process] else {
                continue;
            };
            match call.hear() {
                Ok(None) => {}
                // A call from a port of the system's choice to that very port reaches the caller.
                Ok(Some(heard)) if heard == self.greeting => {
                    self.called_in_vain(process, &io::Error::other("nobody is there"));
                }
                Ok(Some(heard)) => self.meet_called(process, heard)?,
                Err(error) => self.called_in_vain(process, &error),
            }
        }
        Ok(())
    }

    fn meet_called(&mut self, process: usize, heard: Greeting) -> Result<()> {
        self.check(heard)?;
        if heard.process != process as u64 {
            let host = &self.cluster.hosts[process];
            return Err(wrong(format!(
                "process {} answers at {host}, not process {process}: name --hosts in one order everywhere",
                heard.process
            )));
        }
        let call = self.calls[process].0.take();
        self.peers[process] = call.map(met);
        Ok(())
    }

    /// Takes the calls of others.
    fn answer(&mut self) {
        while self.callers.len() < CALLERS_MAX {
            let taken = self.listener.accept();
            match taken.and_then(|(link, caller)| Ok((Call::new(link)?, caller))) {
                Ok(caller) => self.callers.push(caller),
                Err(error) if is_for_later(&error) => return,
                Err(error) => return warn!("a call was not to be had: {error}"),
            }
        }
    }

    /// Hears what callers say, and answers those who are of this cluster.
    fn hear_callers(&mut self) -> Result<()> {
        for (mut call, caller) in std::mem::take(&mut self.callers) {
            match call.hear_soon() {
                Ok(None) => self.callers.push((call, caller)),
                Ok(Some(heard)) => self.meet_caller(call, heard)?,
                Err(error) => warn!("a call from {caller} is none of this cluster's: {error}"),
            }
        }
        Ok(())
    }

    fn meet_caller(&mut self, mut call: Call, heard: Greeting) -> Result<()> {
        if let Err(error) = call.link.write_all(&self.greeting.to_bytes()) {
            warn!("process {} has hung up: {error}", heard.process);
            return Ok(());
        }
        self.check(heard)?;
        let process = usize::try_from(heard.process).unwrap_or(usize::MAX);
        match self.peers.get_mut(process) {
            Some(place @ None) if process > self.cluster.process => *place = Some(met(call)),
            _ => {
                return Err(wrong(format!(
                    "two processes are number {process}: give each a --process of its own"
                )));
            }
        }
        Ok(())
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

    /// Whether all who have been met are still there.
    fn look(&mut self) -> Result<()> {
        let is_gone = |peer: &mut Option<Peer>| peer.as_mut().is_some_and(|peer| !peer.look());
        let Some(gone) = self.peers.iter_mut().position(is_gone) else {
            return Ok(());
        };
        let line = format!(
            "lost a peer process before all had met: process {gone} at {}; restart all processes",
            self.cluster.hosts[gone]
        );
        Err(Failure::new(Exit::Internal, line).into())
    }
}

fn met(call: Call) -> Peer {
    Peer {
        link: call.link,
        is_ready: false,
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

/// Calls the first of a host's addresses that takes the call, and says who calls.
fn dial(host: &str, greeting: Greeting) -> io::Result<Call> {
    let mut last = io::Error::other("the name has no address");
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CALL_TIMEOUT) {
            Ok(mut link) => {
                link.write_all(&greeting.to_bytes())?;
                return Call::new(link);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
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

    fn call(host: &str) -> TcpStream {
        loop {
            if let Ok(link) = TcpStream::connect(host) {
                return link;
            }
        }
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
        let mut asks = call(&hosts[0]);
        asks.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            .expect("it is taken");
        let _says_nothing = call(&hosts[0]);
        drop(call(&hosts[0]));
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
        for met in [first, middle] {
            assert!(failure(met).starts_with("lost a peer process"));
        }
    }

    /// Process 1 as seen by process 0, which it has met.
    fn meet_as_second(hosts: &[String]) -> TcpStream {
        let second = cluster(hosts, 1);
        let greeting = Meeting::new(&second, 7).expect("a port").greeting;
        let mut link = call(&hosts[0]);
        link.write_all(&greeting.to_bytes()).expect("it is there");
        let mut heard = [0; Greeting::BYTES];
        link.read_exact(&mut heard).expect("it answers");
        let expected = Greeting {
            process: 0,
            ..greeting
        };
        assert_eq!(Greeting::from_bytes(heard), Some(expected));
        link
    }

    /// Also when it had met all others before, and while callers say nothing.
    #[test]
    fn one_that_is_gone_before_all_have_met_ends_the_others() {
        for was_ready in [false, true] {
            let hosts = free_hosts(3);
            let first = meeting(cluster(&hosts, 0), 7);
            let mut link = meet_as_second(&hosts);
            let _silent: Vec<TcpStream> = (0..30).map(|_| call(&hosts[0])).collect();
            if was_ready {
                link.write_all(&[READY]).expect("it is there");
            }
            sleep(Duration::from_millis(150));
            assert!(!first.is_finished());
            drop(link);
            let began = Instant::now();
            let line = failure(first);
            assert!(
                line.starts_with("lost a peer process before all had met: process 1 at 127."),
                "{line}"
            );
            // The silent ones are not heard one after the other.
            assert!(began.elapsed() < Duration::from_secs(5));
        }
    }

    #[test]
    fn nobody_goes_to_work_before_all_have_met_all() {
        let hosts = free_hosts(2);
        let first = meeting(cluster(&hosts, 0), 7);
        let mut link = meet_as_second(&hosts);
        let mut heard = [0];
        link.read_exact(&mut heard).expect("it has met all");
        assert_eq!(heard, [READY]);
        sleep(Duration::from_millis(150));
        assert!(!first.is_finished());
        link.write_all(&[READY, 77]).expect("it is there");
        let links = first.join().expect("no panic").expect("met");
        let mut link = links[1].as_ref().expect("a link");
        link.set_nonblocking(false).expect("it is there");
        link.read_exact(&mut heard).expect("work");
        assert_eq!(heard, [77]);
    }

    /// It may have been stopped in between; what called in its name before has been hung up on.
    #[test]
    fn one_that_was_too_slow_calls_again() {
        let hosts = free_hosts(2);
        let first = meeting(cluster(&hosts, 0), 7);
        let mut slow = call(&hosts[0]);
        slow.write_all(b"tribu").expect("it is there");
        slow.set_read_timeout(Some(10 * CALL_TIMEOUT))
            .expect("a timeout");
        assert_eq!(
            slow.read(&mut [0]).expect("it hangs up"),
            0,
            "no answer to who says too little"
        );
        let second = meeting(cluster(&hosts, 1), 7);
        for met in [first, second] {
            assert!(met.join().expect("no panic").is_ok());
        }
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
