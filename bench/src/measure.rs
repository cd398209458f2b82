//! How time is taken: CPU time of the thread, batches of about 2 ms, all cases of a run interleaved; the value is the
//! median over the rounds of the smallest batch of a round.

use crate::row::Row;
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Length of a batch.
const BATCH: Duration = Duration::from_millis(2);
/// Batches of a case in one round.
const REPEATS: u32 = 3;
/// A case that takes longer than this runs once per round.
const SLOW: Duration = Duration::from_millis(20);
/// No round begins later than this after the first one, by the clock on the wall.
const LIMIT: Duration = Duration::from_secs(100);
/// Most states prepared at once.
const MAX_STATES: u128 = 2000;

/// One thing to measure; the row gets its time.
pub(crate) struct Case {
    row: Row,
    batch: Box<dyn FnMut(u32) -> Duration>,
    iterations: u32,
    repeats: u32,
    minima: Vec<f64>,
}

impl Case {
    /// `run` on a fresh state from `prepare` each time; only `run` is timed.
    pub(crate) fn new<S, T>(
        row: Row,
        mut prepare: impl FnMut() -> S + 'static,
        mut run: impl FnMut(&mut S) -> T + 'static,
    ) -> Self {
        let batch = move |iterations| {
            let mut states: Vec<S> = (0..iterations).map(|_| prepare()).collect();
            let mut results = Vec::with_capacity(states.len());
            let begin = cpu_time();
            for state in &mut states {
                results.push(black_box(run(black_box(state))));
            }
            cpu_time().saturating_sub(begin)
        };
        Self {
            row,
            batch: Box::new(batch),
            iterations: 1,
            repeats: 1,
            minima: Vec::new(),
        }
    }

    /// Chooses the length of a batch; the first run warms up.
    fn calibrate(&mut self) {
        (self.batch)(1);
        let once = (self.batch)(1).max(Duration::from_nanos(100));
        self.iterations = (BATCH.as_nanos() / once.as_nanos()).clamp(1, MAX_STATES) as u32;
        self.repeats = if once > SLOW { 1 } else { REPEATS };
    }

    fn round(&mut self) {
        let per_run = |time: Duration| time.as_nanos() as f64 / f64::from(self.iterations);
        let times = (0..self.repeats).map(|_| per_run((self.batch)(self.iterations)));
        self.minima.push(times.fold(f64::INFINITY, f64::min));
    }
}

/// Runs all cases, interleaved, `rounds` times or fewer if the machine is busy: their rows with times, and the rounds.
pub(crate) fn measure(mut cases: Vec<Case>, rounds: u32) -> (Vec<Row>, u32) {
    cases.iter_mut().for_each(Case::calibrate);
    let begin = Instant::now();
    let mut done = 0;
    while done < rounds && (done == 0 || begin.elapsed() < LIMIT) {
        cases.iter_mut().for_each(Case::round);
        done += 1;
    }
    let timed = |mut case: Case| {
        case.row.ns = Some(median(&mut case.minima));
        case.row
    };
    (cases.into_iter().map(timed).collect(), done)
}

/// The middle value, the upper one of two.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// CPU time that this thread has used.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
