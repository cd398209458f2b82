//! How time is taken: CPU time of the thread, batches of about 2 ms, all cases of a run interleaved; the value is the
//! median over the rounds of the smallest batch of a round.

use crate::callgrind::probed;
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
/// Most runs in a batch without states.
const MAX_RUNS: u128 = 100_000;

/// Runs some iterations; only what it hands to its second argument counts.
type Batch = dyn FnMut(u32, &mut dyn FnMut(&mut dyn FnMut()));

/// One thing to measure; the row gets its time.
pub(crate) struct Case {
    row: Row,
    batch: Box<Batch>,
    most: u128,
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
        let batch = move |iterations, span: &mut dyn FnMut(&mut dyn FnMut())| {
            let mut states: Vec<S> = (0..iterations).map(|_| prepare()).collect();
            let mut results = Vec::with_capacity(states.len());
            span(&mut || {
                for state in &mut states {
                    results.push(black_box(run(black_box(state))));
                }
            });
        };
        Self::of(row, MAX_STATES, batch)
    }

    /// `run` on fresh states from `prepare`, all of a batch at once; only `run` is timed, and the figure is that of one.
    pub(crate) fn together<S>(
        row: Row,
        mut prepare: impl FnMut() -> S + 'static,
        mut run: impl FnMut(&mut [S]) + 'static,
    ) -> Self {
        let batch = move |iterations, span: &mut dyn FnMut(&mut dyn FnMut())| {
            let mut states: Vec<S> = (0..iterations).map(|_| prepare()).collect();
            span(&mut || run(black_box(&mut states)));
        };
        Self::of(row, MAX_STATES, batch)
    }

    /// `run` again and again, with whatever it keeps.
    pub(crate) fn same<T>(row: Row, mut run: impl FnMut() -> T + 'static) -> Self {
        let batch = move |iterations, span: &mut dyn FnMut(&mut dyn FnMut())| {
            span(&mut || {
                for _ in 0..iterations {
                    black_box(run());
                }
            });
        };
        Self::of(row, MAX_RUNS, batch)
    }

    fn of(
        row: Row,
        most: u128,
        batch: impl FnMut(u32, &mut dyn FnMut(&mut dyn FnMut())) + 'static,
    ) -> Self {
        Self {
            row,
            batch: Box::new(batch),
            most,
            iterations: 1,
            repeats: 1,
            minima: Vec::new(),
        }
    }

    /// What is measured.
    pub(crate) const fn row(&self) -> &Row {
        &self.row
    }

    /// Runs once for callgrind, warm.
    pub(crate) fn probe(&mut self) {
        (self.batch)(2, &mut |run| run());
        (self.batch)(1, &mut probed);
    }

    fn timed(&mut self, iterations: u32) -> Duration {
        let mut time = Duration::ZERO;
        (self.batch)(iterations, &mut |run| {
            let begin = cpu_time();
            run();
            time = cpu_time().saturating_sub(begin);
        });
        time
    }

    /// Chooses the length of a batch; the first run warms up.
    fn calibrate(&mut self) {
        self.timed(1);
        // the clock itself takes as long as a short run, so a few of them tell
        let few = if self.timed(1) > SLOW { 1 } else { 20 };
        let once = (self.timed(few) / few).max(Duration::from_nanos(1));
        self.iterations = (BATCH.as_nanos() / once.as_nanos()).clamp(1, self.most) as u32;
        self.repeats = if once > SLOW { 1 } else { REPEATS };
    }

    fn round(&mut self) {
        let (iterations, repeats) = (self.iterations, self.repeats);
        let per_run = |time: Duration| time.as_nanos() as f64 / f64::from(iterations);
        let times = (0..repeats).map(|_| per_run(self.timed(iterations)));
        let minimum = times.fold(f64::INFINITY, f64::min);
        self.minima.push(minimum);
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
