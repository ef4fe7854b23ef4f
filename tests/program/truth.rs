//! Simulated events give back the chains they were drawn from, and no others.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::{run, size};

/// So many standard errors are too many.
const FAR: f64 = 4.0;

/// (advertiser, from, to, probability)
type Cells = Vec<(String, String, String, f64)>;

/// How far an export is from a chain: cells, those further off than [`FAR`], and Pearson's chi-square over all rows.
#[derive(Debug, Default)]
struct Fit {
    cells: usize,
    far: usize,
    chi_square: f64,
    freedom: f64,
}

impl Fit {
    fn add(&mut self, difference: f64, error: f64) {
        self.cells += 1;
        self.far += (difference.abs() > FAR * error) as usize;
    }

    fn is_good(&self) -> bool {
        let few_far = self.far as f64 <= 0.01 * self.cells as f64;
        few_far && self.chi_square < self.freedom + FAR * (2.0 * self.freedom).sqrt()
    }
}

#[test]
fn what_was_simulated_is_found_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("{}/{name}", dir.path().display());
    let (file, truth, export) = (at("a.jsonl"), at("truth.json"), at("out.json"));
    let events = size(250_000);
    run(&format!(
        "simulate --events {events} --late-share 0 --truth {truth} --out {file}"
    ))
    .ok();
    run(&format!("replay {file} --export {export}")).ok();
    let read = |path: &str| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let (truth, export) = (read(&truth), read(&export));
    let cells = cells(&truth);
    assert!(cells.len() > 500, "{} cells", cells.len());
    let good = fit(&cells, &truth, &export);
    assert!(good.is_good(), "{good:?}");
    let bad = fit(&perturbed(&cells), &truth, &export);
    assert!(!bad.is_good(), "5 % off is not seen: {bad:?}");
    println!("{good:?}\n5 % off: {bad:?}");
}

fn advertisers(truth: &Value) -> &[Value] {
    truth["advertisers"].as_array().unwrap()
}

fn cells(truth: &Value) -> Cells {
    let mut cells = Cells::new();
    for chain in advertisers(truth) {
        let name = text(&chain["advertiser"]);
        for cell in chain["transitions"].as_array().unwrap() {
            let p = cell[2].as_f64().unwrap();
            cells.push((name.clone(), text(&cell[0]), text(&cell[1]), p));
        }
    }
    cells
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Every other cell 5 % up, the rest 5 % down, rows of sum 1 again.
fn perturbed(cells: &Cells) -> Cells {
    let mut cells = cells.clone();
    let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
    for (n, (advertiser, from, _, p)) in cells.iter_mut().enumerate() {
        *p *= if n % 2 == 0 { 1.05 } else { 0.95 };
        *sums.entry((advertiser.clone(), from.clone())).or_default() += *p;
    }
    for (advertiser, from, _, p) in &mut cells {
        *p /= sums[&(advertiser.clone(), from.clone())];
    }
    cells
}

/// Removal effects are held against the truth with the error of a share of the journeys that convert.
fn fit(cells: &Cells, truth: &Value, export: &Value) -> Fit {
    let scope = |advertiser: &str| &export["scopes"][advertiser];
    let mut counts: BTreeMap<[String; 3], f64> = BTreeMap::new();
    let mut rows: BTreeMap<[String; 2], f64> = BTreeMap::new();
    for chain in advertisers(truth) {
        let name = text(&chain["advertiser"]);
        let steps = &scope(&name)["markov"]["1"]["transition_counts"];
        for step in steps.as_array().unwrap() {
            let (from, count) = (text(&step[0]), step[2].as_f64().unwrap());
            *rows.entry([name.clone(), from.clone()]).or_default() += count;
            counts.insert([name.clone(), from, text(&step[1])], count);
        }
    }
    let mut fit = Fit::default();
    for (advertiser, from, to, p) in cells {
        let key = [advertiser.clone(), from.clone(), to.clone()];
        let count = counts.remove(&key).unwrap_or(0.0);
        let row = rows.get(&[advertiser.clone(), from.clone()]);
        let row = *row.unwrap_or_else(|| panic!("{advertiser} never leaves {from}"));
        fit.add(count / row - p, (p * (1.0 - p) / row).sqrt());
        fit.chi_square += (count - row * p).powi(2) / (row * p);
        fit.freedom += 1.0;
    }
    fit.freedom -= rows.len() as f64;
    assert!(counts.is_empty(), "not in the truth: {counts:?}");
    for chain in advertisers(truth) {
        let ours = scope(chain["advertiser"].as_str().unwrap());
        let converted = ours["journeys"]["converted"].as_f64().unwrap();
        let effects = chain["removal_effects"].as_object().unwrap();
        assert!(!effects.is_empty());
        for (channel, effect) in effects {
            let effect = effect.as_f64().unwrap();
            let found = &ours["markov"]["1"]["removal_effect"][channel];
            let found = found.as_f64().unwrap();
            fit.add(found - effect, (effect * (1.0 - effect) / converted).sqrt());
        }
    }
    fit
}
