//! Answers over REST: shapes, stamps, tables, problems, probes, and that the document tells of every route.

use dataflows::transitions::Window;
use serde_json::{Value, json};
use tributary::serve::Limits;

use super::made_up::{self, GENERATION, attribution, clock, dispositions};

#[test]
fn attribution_is_stamped_and_credits_add_up() {
    let server = made_up::start(Limits::default());
    let answer = server.get_json("/api/v1/attribution?scope=acme");
    assert_eq!(answer["generation"], GENERATION);
    assert_eq!(answer["as_of_epoch"], 1);
    assert!(answer["staleness_ms"].as_u64().unwrap() < 10_000);
    assert_eq!(answer["scope"], "acme");
    assert_eq!(answer["conversions"], 2);
    assert_eq!(answer["value"], 3.0);
    assert_eq!(answer["expected_value_per_journey"], Value::Null);
    // A channel of a special name is told from the special state.
    assert_eq!(answer["credits"][0]["state"], "\\(start)");
    assert_eq!(answer["credits"][1]["attributed_conversions"], 1.5);
    let empty = server.get_json("/api/v1/attribution?scope=acme&window=1h");
    assert_eq!(
        (&empty["journeys"], &empty["credits"]),
        (&json!(0), &json!([]))
    );
}

#[test]
fn tables_are_csv_with_the_stamp_in_the_head() {
    let server = made_up::start(Limits::default());
    let (status, head, body) = server.ask(&format!(
        "GET /api/v1/attribution?scope=acme&format=csv HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address
    ));
    assert_eq!(status, 200);
    assert!(head.contains("tributary-as-of-epoch: 1"), "{head}");
    assert_eq!(
        body,
        "state,removal_effect,removal_effect_value,attributed_conversions,attributed_value\r\n\
         \\(start),0.25,,0.5,2.5\r\nsearch,0.75,,1.5,7.5\r\n"
    );
}

#[test]
fn problems_say_what_to_do() {
    let server = made_up::start(Limits::default());
    for (path, status, part) in [
        ("/api/v1/attribution?scope=nobody", 404, "/api/v1/scopes"),
        ("/api/v1/attribution?windw=1h", 400, "there are scope"),
        ("/api/v1/attribution?window=7d", 400, "24h"),
        (
            "/api/v1/attribution?dimension=campaign",
            400,
            "channels only",
        ),
        ("/api/v1/history?points=0", 400, "1 to 720"),
        ("/api/v1/nothing", 404, "openapi.json"),
        ("/api/v1/user", 405, "POST"),
        ("/ws", 426, "WebSocket"),
    ] {
        let (code, body) = server.get(path);
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(code, status, "{path}: {body}");
        assert_eq!(problem["status"], status);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{path}: {detail}");
    }
    let (status, body) = server.post("/api/v1/user", "{\"user\": \"secret-7\"}");
    assert_eq!(status, 400);
    assert!(!body.contains("secret-7"), "{body}");
}

#[test]
fn history_keeps_what_each_minute_ended_with() {
    let server = made_up::start(Limits::default());
    for minute in 2..=5_i64 {
        let epoch = minute as u64;
        // With the clock comes more; the minute before ended without it.
        let rows = vec![
            (clock(minute * 60_000), 1),
            (dispositions(60 * minute), 1),
            (attribution("acme", Window::All, 10 * minute), 1),
        ];
        server.close(epoch, rows);
    }
    let answer = server.get_json("/api/v1/history?scope=acme");
    let points = answer["points"].as_array().unwrap();
    let numbers: Vec<_> = points
        .iter()
        .map(|point| (point["at_ms"].as_i64(), point["conversions"].as_i64()))
        .collect();
    let expected = [(1, 2), (2, 20), (3, 30), (4, 40), (5, 50)];
    let expected = expected.map(|(minute, number)| (Some(minute * 60_000), Some(number)));
    assert_eq!(numbers, expected);
    assert_eq!(points[2]["credits"]["search"], json!([22.5, 7.5, 0.75]));
    let thin = server.get_json("/api/v1/history?scope=acme&points=2");
    let thin = thin["points"].as_array().unwrap();
    assert_eq!(thin[1]["at_ms"], 5 * 60_000);
    assert_eq!(thin.len(), 2);
}

#[test]
fn the_document_tells_of_every_route_and_every_route_is_there() {
    let server = made_up::start(Limits::default());
    let document = server.get_json("/api/v1/openapi.json");
    let paths = document["paths"].as_object().unwrap();
    let known = include_str!("../../docs/API.md");
    for (path, operations) in paths {
        assert!(
            known.contains(&format!("{path}`")),
            "{path} is not in docs/API.md"
        );
        let (status, body) = match operations.get("post") {
            Some(_) => server.post(path, "{}"),
            None if path == "/api/v1/stream" => continue,
            None => server.get(path),
        };
        assert!(![404, 405].contains(&status), "{path}: {status} {body}");
    }
    let listed = known.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed = listed.filter_map(|line| line.split_once('`'));
    for (paths_of_line, _) in listed.filter(|(call, _)| call.contains(" /")) {
        let (_, path) = paths_of_line.split_once(' ').unwrap();
        assert!(paths.contains_key(path), "{path} is not in the document");
    }
}

#[test]
fn answers_other_than_200_are_in_the_document() {
    let server = made_up::start(Limits::default());
    let document = server.get_json("/api/v1/openapi.json");
    let paths = &document["paths"];
    let later = &paths["/api/v1/events"]["post"]["responses"]["202"]["content"];
    let schema = &later["application/json"]["schema"]["$ref"];
    assert_eq!(schema, "#/components/schemas/TakenIn");
    assert!(paths["/ws"]["get"]["responses"]["101"].is_object());
    let page = &paths["/"]["get"]["responses"]["200"]["content"];
    assert!(page["text/plain"].is_object(), "before it is built");
}

#[test]
fn probes_and_metrics() {
    let server = made_up::start(Limits::default());
    assert_eq!(server.get("/healthz"), (200, "alive\n".to_owned()));
    assert_eq!(server.get("/readyz"), (200, "ready\n".to_owned()));
    server.get("/api/v1/status");
    let (status, text) = server.get("/metrics");
    assert_eq!(status, 200);
    for line in [
        "tributary_events_total{disposition=\"accepted\"} 4",
        "tributary_http_requests_total{route=\"/healthz\",status=\"2xx\"} 1",
        "tributary_clients{kind=\"websocket\"} 0",
        "tributary_epoch 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    server.server.drain();
    let (status, body) = server.get("/readyz");
    assert_eq!((status, body.contains("it stops")), (503, true));
    assert_eq!(server.get("/healthz").0, 200);
}

#[test]
fn a_program_without_a_dashboard_says_how_to_build_it() {
    let server = made_up::start(Limits::default());
    let (status, body) = server.get("/");
    assert_eq!(status, 200);
    let is_page = body.starts_with("<!") || body.contains("scripts/build");
    assert!(is_page, "{body}");
}
