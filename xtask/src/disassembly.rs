//! What `objdump` and `ld` tell of an image for a Cortex-M4: its functions, and what each instruction does to the stack and
//! to the way through the function.

use std::collections::BTreeMap;

const CONDITIONS: &[&str] = &[
    "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le",
];
/// The instructions that matter here, without width and condition.
const KNOWN: &[&str] = &[
    "push", "pop", "stmdb", "ldmia", "str", "strd", "ldr", "ldrd", "add", "addw", "sub", "subw",
    "b", "bl", "bx", "blx", "cbz", "cbnz", "tbb", "tbh", "udf",
];

/// A function of the image: its demangled name, and what happens to the stack.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) end: u64,
    pub(crate) lines: BTreeMap<u64, Line>,
}

/// A line of disassembly.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Instruction {
        /// Bytes that the stack grows by.
        growth: i64,
        flow: Flow,
    },
    /// Constants, and the tables of switches.
    Data(Vec<u8>),
    /// What must not be reached, and why: an instruction of another kind, or constants taken for one.
    Unknown(String),
}

/// Where an instruction leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Jump(u64),
    /// To there, or to the next one.
    Branch(u64),
    /// By a table behind it, of entries with so many bytes.
    Switch(usize),
    Call(u64),
    CallPointer,
    JumpPointer,
    Return,
    /// A return, or the next one.
    MayReturn,
    Trap,
}

impl Function {
    /// The address of the line behind that at `at`.
    pub(crate) fn next(&self, at: u64) -> u64 {
        let mut behind = self.lines.range(at + 1..);
        behind.next().map_or(self.end, |(next, _)| *next)
    }

    pub(crate) fn is_data(&self, at: u64) -> bool {
        matches!(self.lines.get(&at), Some(Line::Data(_)))
    }

    /// Where the table behind a switch leads: each entry counts pairs of bytes from the table on. What fills the table up
    /// leads back to it.
    pub(crate) fn table(&self, at: u64, width: usize) -> Vec<u64> {
        let table = self.next(at);
        let mut bytes = Vec::new();
        for (_, line) in self.lines.range(table..) {
            match line {
                Line::Data(data) => bytes.extend_from_slice(data),
                _ => break,
            }
        }
        let entries = bytes.chunks_exact(width).map(|entry| {
            let entry = entry.iter().rev();
            table + 2 * entry.fold(0, |high, low| high << 8 | u64::from(*low))
        });
        entries.filter(|to| !self.is_data(*to)).collect()
    }
}

/// The names of what code and constants hold addresses of, by the relocations that a linker left in an image.
pub(crate) fn addresses_taken(printed: &str) -> impl Iterator<Item = &str> {
    let sections = printed.split("RELOCATION RECORDS FOR [").skip(1);
    let held = sections.filter(|section| {
        [".text", ".rodata"]
            .iter()
            .any(|name| section.starts_with(name))
    });
    held.flat_map(str::lines).filter_map(|line| {
        let (_, record) = line.split_once(' ')?;
        let (kind, name) = record.split_once(' ')?;
        let kind = kind.trim();
        let is_address = kind == "R_ARM_ABS32" || kind.contains("_MOVW_ABS");
        is_address.then_some(name.trim())
    })
}

/// The functions in what `objdump -d` prints, by their addresses.
pub(crate) fn functions(printed: &str) -> Result<BTreeMap<u64, Function>, String> {
    let mut functions: BTreeMap<u64, Function> = BTreeMap::new();
    let mut open: Option<(u64, Function)> = None;
    for line in printed.lines() {
        if let Some((address, name)) = head(line) {
            if let Some((start, mut function)) = open.take() {
                function.end = address;
                functions.insert(start, function);
            }
            let (name, lines) = (name.to_owned(), BTreeMap::new());
            open = Some((
                address,
                Function {
                    name,
                    end: u64::MAX,
                    lines,
                },
            ));
        } else if let (Some((_, function)), Some((address, words))) =
            (&mut open, line.split_once(":\t"))
        {
            let address = hex(address.trim())?;
            let (mnemonic, operands) = words.split_once('\t').unwrap_or((words, ""));
            let parsed = parse(mnemonic.trim(), operands);
            function
                .lines
                .insert(address, parsed.unwrap_or_else(Line::Unknown));
        }
    }
    functions.extend(open);
    // what begins with constants is a table, such as the vectors that a core starts with
    functions.retain(|address, function| !function.is_data(*address));
    Ok(functions)
}

/// The line that a function begins with: `00008000 <name>:`.
fn head(line: &str) -> Option<(u64, &str)> {
    let (address, name) = line.split_once(" <")?;
    Some((hex(address).ok()?, name.strip_suffix(">:")?))
}

/// What an instruction or a constant does.
fn parse(mnemonic: &str, operands: &str) -> Result<Line, String> {
    let operands = operands.split(['@', ';', '<']).next().unwrap_or_default();
    let operands = operands.trim();
    if let Some(width) = match mnemonic {
        ".word" => Some(4),
        ".short" => Some(2),
        ".byte" => Some(1),
        _ => None,
    } {
        let value = hex(operands.trim_start_matches("0x"))?.to_le_bytes();
        return Ok(Line::Data(value.into_iter().take(width).collect()));
    }
    let plain = mnemonic.trim_end_matches(".n").trim_end_matches(".w");
    let (plain, is_conditional) = without_condition(plain);
    let (first, rest) = operands.split_once(',').unwrap_or((operands, ""));
    let (first, rest) = (first.trim(), rest.trim());
    let writes_back = operands.contains("sp!")
        || operands.contains("[sp") && (operands.ends_with('!') || operands.contains("], #"));
    let from_sp = first == "sp" && (rest.starts_with('#') || rest.starts_with("sp, #"));
    let flow = |flow| Line::Instruction { growth: 0, flow };
    let grow = |growth| match is_conditional {
        true => Err("moves the stack pointer or not".to_owned()),
        false => Ok(Line::Instruction {
            growth,
            flow: Flow::Next,
        }),
    };
    let leave = match is_conditional {
        true => Flow::MayReturn,
        false => Flow::Return,
    };
    match plain {
        "push" => grow(registers(operands)?),
        "stmdb" if first == "sp!" => grow(registers(rest)?),
        "pop" if operands.contains("pc") => Ok(flow(leave)),
        "pop" => grow(-registers(operands)?),
        "ldmia" if first == "sp!" && rest.contains("pc") => Ok(flow(leave)),
        "ldmia" if first == "sp!" => grow(-registers(rest)?),
        "ldr" if first == "pc" && writes_back => Ok(flow(leave)),
        "str" | "strd" if writes_back => grow(-constant(operands)?),
        "ldr" | "ldrd" if writes_back => grow(-constant(operands)?),
        "sub" | "subw" if from_sp => grow(constant(rest)?),
        "add" | "addw" if from_sp => grow(-constant(rest)?),
        "b" if is_conditional => Ok(flow(Flow::Branch(hex(first)?))),
        "b" => Ok(flow(Flow::Jump(hex(first)?))),
        "cbz" | "cbnz" => Ok(flow(Flow::Branch(hex(rest)?))),
        "bl" => Ok(flow(Flow::Call(hex(first)?))),
        "blx" => Ok(flow(hex(first).map_or(Flow::CallPointer, Flow::Call))),
        "bx" if first == "lr" => Ok(flow(leave)),
        "bx" if !is_conditional => Ok(flow(Flow::JumpPointer)),
        "tbb" => Ok(flow(Flow::Switch(1))),
        "tbh" => Ok(flow(Flow::Switch(2))),
        "udf" => Ok(flow(Flow::Trap)),
        _ if first == "pc" => Err(String::from("a jump of an unknown kind")),
        "stmia" | "stmdb" | "ldmia" | "ldmdb" | "cmp" if first == "sp" => Ok(flow(Flow::Next)),
        _ if writes_back
            || first == "sp"
            || mnemonic.contains("push")
            || mnemonic.contains("pop") =>
        {
            Err(String::from("the stack pointer from elsewhere"))
        }
        _ => Ok(flow(Flow::Next)),
    }
}

/// A known instruction without its condition, and whether it has one.
fn without_condition(mnemonic: &str) -> (&str, bool) {
    if KNOWN.contains(&mnemonic) {
        return (mnemonic, false);
    }
    let conditional = KNOWN.iter().find(|known| {
        let condition = mnemonic.strip_prefix(**known);
        condition.is_some_and(|condition| CONDITIONS.contains(&condition))
    });
    conditional.map_or((mnemonic, false), |known| (known, true))
}

/// Bytes of a list of registers.
fn registers(list: &str) -> Result<i64, String> {
    let list = list
        .trim()
        .strip_prefix('{')
        .and_then(|list| list.strip_suffix('}'));
    let list = list.filter(|list| !list.contains('-'));
    let list = list.ok_or("a list of registers of an unknown kind")?;
    list.split(',').map(|_| Ok(4)).sum()
}

/// The constant at the end of operands, such as `[sp, #-4]!`.
fn constant(operands: &str) -> Result<i64, String> {
    let (_, number) = operands.rsplit_once('#').ok_or("no constant")?;
    let number = number.trim_end_matches(['!', ']']);
    number
        .parse()
        .map_err(|_| format!("`{number}` is no number"))
}

fn hex(word: &str) -> Result<u64, String> {
    u64::from_str_radix(word, 16).map_err(|_| format!("`{word}` is no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instruction(growth: i64, flow: Flow) -> Result<Line, String> {
        Ok(Line::Instruction { growth, flow })
    }

    #[test]
    fn what_instructions_do_to_the_stack() {
        for (mnemonic, operands, growth) in [
            ("push", "{r4, r5, r6, r7, lr}", 20),
            ("stmdb", "sp!, {r8, r9, sl, fp}", 16),
            ("str.w", "r8, [sp, #-4]!", 4),
            ("sub.w", "sp, sp, #1184\t@ 0x4a0", 1184),
            ("sub", "sp, #16", 16),
            ("addw", "sp, sp, #1044\t@ 0x414", -1044),
            ("ldmia.w", "sp!, {r8, r9, sl, fp}", -16),
            ("ldr.w", "fp, [sp], #4", -4),
            ("pop", "{r4, lr}", -8),
            ("add", "r7, sp, #12", 0),
            ("stmia.w", "sp, {r0, r1}", 0),
            ("ldr", "r0, [sp, #4]", 0),
            ("bics", "r0, r1", 0),
        ] {
            assert_eq!(parse(mnemonic, operands), instruction(growth, Flow::Next));
        }
        for (mnemonic, operands) in [
            ("mov", "sp, r4"),
            ("sub.w", "sp, r7, #24"),
            ("sub.w", "sp, sp, r3"),
            ("vpush", "{d8-d9}"),
            ("popne", "{r4, lr}"),
            ("ldr.w", "pc, [r0]"),
        ] {
            assert!(parse(mnemonic, operands).is_err(), "{mnemonic} {operands}");
        }
    }

    #[test]
    fn where_instructions_lead() {
        for (mnemonic, operands, flow) in [
            ("b.n", "8136 <f+0x136>", Flow::Jump(0x8136)),
            ("bls.w", "8136 <f+0x136>", Flow::Branch(0x8136)),
            ("blt.n", "8136 <f+0x136>", Flow::Branch(0x8136)),
            ("cbnz", "r0, 8136 <f>", Flow::Branch(0x8136)),
            ("bl", "9000 <g>", Flow::Call(0x9000)),
            ("blx", "r3", Flow::CallPointer),
            ("bx", "r3", Flow::JumpPointer),
            ("bxne", "lr", Flow::MayReturn),
            ("bx", "lr", Flow::Return),
            ("pop", "{r4, pc}", Flow::Return),
            ("pophi", "{r7, pc}", Flow::MayReturn),
            ("ldr.w", "pc, [sp], #4", Flow::Return),
            ("tbh", "[pc, r2, lsl #1]", Flow::Switch(2)),
            ("udf", "#254\t@ 0xfe", Flow::Trap),
        ] {
            assert_eq!(
                parse(mnemonic, operands),
                instruction(0, flow),
                "{mnemonic}"
            );
        }
    }

    #[test]
    fn addresses_that_are_taken() {
        let printed = "\nRELOCATION RECORDS FOR [.text]:\nOFFSET   TYPE              VALUE\n00008004 R_ARM_THM_CALL    a::b\n\
                       00008008 R_ARM_THM_MOVW_ABS_NC  c::d\n\nRELOCATION RECORDS FOR [.rodata]:\n00009000 R_ARM_ABS32  <e as f>::g\n\
                       \nRELOCATION RECORDS FOR [.debug_info]:\n00000000 R_ARM_ABS32  h\n";
        let taken: Vec<&str> = addresses_taken(printed).collect();
        assert_eq!(taken, ["c::d", "<e as f>::g"]);
    }
}
