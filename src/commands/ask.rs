//! `tributary ask`: asks a running server and shows the answer as a table, JSON or CSV.

mod show;

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

use crate::cli::{AnswerFormat, Ask, Chain, ChainAt, Subject};
use crate::exit::{Exit, Failure};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(35);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Asks and prints.
///
/// # Errors
/// When the server does not answer, or says why it will not.
pub fn run(ask: &Ask) -> Result<Exit> {
    let server = Server::new(&ask.url)?;
    let text = match &ask.subject {
        Subject::User { id } => {
            let id = match id.as_str() {
                "-" => io::read_to_string(io::stdin()).context("reading the user's id")?,
                _ => id.clone(),
            };
            let body = json!({ "user_id": id.trim_end_matches(['\r', '\n']) });
            shown(ask, &server.post("/api/v1/user", &body)?, show::user)?
        }
        Subject::Status => shown(ask, &server.get("/api/v1/status", &[])?, show::status)?,
        Subject::Attribution(chain) if ask.format != AnswerFormat::Csv => {
            let answer = server.get("/api/v1/attribution", &parameters_at(chain))?;
            shown(ask, &answer, show::attribution)?
        }
        Subject::Attribution(chain) => {
            table(ask, &server, "/api/v1/attribution", parameters_at(chain))?
        }
        Subject::Transitions(chain) => {
            table(ask, &server, "/api/v1/transitions", parameters_at(chain))?
        }
        Subject::Fundamental(chain) => {
            table(ask, &server, "/api/v1/fundamental", parameters_at(chain))?
        }
        Subject::History { chain, points } => {
            let mut parameters = parameters(chain);
            parameters.extend(points.map(|points| ("points", points.to_string())));
            table(ask, &server, "/api/v1/history", parameters)?
        }
        Subject::Dispositions => table(ask, &server, "/api/v1/dispositions", Vec::new())?,
    };
    let written = io::stdout().write_all(text.as_bytes());
    written.context("writing to standard output")?;
    Ok(Exit::Ok)
}

type Parameters = Vec<(&'static str, String)>;

fn parameters(chain: &Chain) -> Parameters {
    let given = [
        ("scope", &chain.scope),
        ("dimension", &chain.dimension),
        ("window", &chain.window),
    ];
    let given = given.into_iter();
    given
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
}

fn parameters_at(asked: &ChainAt) -> Parameters {
    let mut parameters = parameters(&asked.chain);
    parameters.extend(asked.at_epoch.map(|epoch| ("at_epoch", epoch.to_string())));
    parameters
}

/// An answer that is no table on the server's side.
fn shown(ask: &Ask, answer: &str, show: fn(&Value) -> String) -> Result<String> {
    let value =
        || serde_json::from_str(answer).context("the answer is no JSON; is it a Tributary?");
    match ask.format {
        AnswerFormat::Table => Ok(show(&value()?)),
        AnswerFormat::Json => Ok(format!("{:#}\n", value()?)),
        AnswerFormat::Csv => Err(Failure::new(
            Exit::Usage,
            "this answer is no table; ask with --format json",
        )
        .into()),
    }
}

/// An answer that the server gives as a table too.
fn table(ask: &Ask, server: &Server, path: &str, mut parameters: Parameters) -> Result<String> {
    if ask.format == AnswerFormat::Json {
        let value: Value = serde_json::from_str(&server.get(path, &parameters)?)
            .context("the answer is no JSON; is it a Tributary?")?;
        return Ok(format!("{value:#}\n"));
    }
    parameters.push(("format", "csv".to_owned()));
    let csv = server.get(path, &parameters)?;
    Ok(match ask.format {
        AnswerFormat::Csv => csv,
        _ => show::aligned(&csv),
    })
}

/// The other side.
struct Server {
    agent: Agent,
    url: String,
}

impl Server {
    fn new(url: &str) -> Result<Server, Failure> {
        if !url.starts_with("http://") {
            let message =
                format!("--url: {url:?} is no address of a server, such as http://127.0.0.1:8000");
            return Err(Failure::new(Exit::Usage, message));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Ok(Server {
            agent: config.into(),
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    fn get(&self, path: &str, parameters: &[(&'static str, String)]) -> Result<String> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in parameters {
            request = request.query(name, value);
        }
        self.text(request.call())
    }

    fn post(&self, path: &str, body: &Value) -> Result<String> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.content_type("application/json");
        self.text(request.send(body.to_string()))
    }

    fn text(&self, answered: Result<Response<ureq::Body>, ureq::Error>) -> Result<String> {
        let unreachable = |error: ureq::Error| {
            let url = &self.url;
            let message = format!("cannot ask {url}: {error}; is `tributary run` at that address?");
            Failure::new(Exit::Unavailable, message)
        };
        let mut answer = answered.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body.read_to_string().map_err(unreachable)?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("no reason is given");
        let exit = match status.is_client_error() {
            true => Exit::Usage,
            false => Exit::Unavailable,
        };
        Err(Failure::new(exit, format!("{} says {status}: {detail}", self.url)).into())
    }
}
