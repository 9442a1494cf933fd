//! Where everything in the picture goes: parties in columns from payer to payee, every line
//! through a slot of its own in each column it passes, every label in a slot of the gap behind
//! its first column. Nothing can overlap because everything has a slot.

use crate::flow::model::PartyId;
use crate::flow::text::width;

pub(super) const BOX_HEIGHT: i32 = 58;
pub(super) const MARGIN: i32 = 24;
pub(super) const LINE: i32 = 15;
const ROW: i32 = 30;
const PASS: i32 = 26;
const GAP: i32 = 56;

/// A line to be drawn.
pub(super) struct Link {
    pub from: PartyId,
    pub to: PartyId,
    /// Lines of its label.
    pub label: Vec<String>,
    /// Counts for the columns; others only follow.
    pub leads: bool,
}

/// A point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub x: i32,
    pub y: i32,
}

/// A box: its left upper corner and width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub x: i32,
    pub y: i32,
    pub width: i32,
}

/// A line placed.
pub(super) struct Route {
    /// From the payer's edge to the payee's, through the label.
    pub points: Vec<Point>,
    /// Middle of the label.
    pub label: Point,
    pub label_width: i32,
}

/// The whole picture.
pub(super) struct Layout {
    pub boxes: Vec<Placed>,
    /// One a link; none: both ends stand in one column and only the legend tells of it.
    pub routes: Vec<Option<Route>>,
    pub width: i32,
    pub height: i32,
}

/// Pixels of a text at 12 pixels a letter.
pub(super) fn pixels(text: &str) -> i32 {
    count(width(text)) * 7
}

pub(super) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// What stands in a column: a party, or a line passing through.
#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Party(PartyId),
    Pass(usize),
}

/// Columns of parties: a payee stands behind its payer, but for money that comes back.
fn columns_of(parties: usize, links: &[Link]) -> Vec<usize> {
    let mut column = vec![0_usize; parties];
    let mut forward: Vec<&Link> = Vec::new();
    for link in links.iter().filter(|link| link.leads) {
        if !reaches(&forward, link.to, link.from) {
            forward.push(link);
        }
    }
    // Longest path: at most as many rounds as there are parties.
    for _ in 0..parties {
        for link in &forward {
            let behind = column.get(link.from).copied().unwrap_or(0) + 1;
            if let Some(own) = column.get_mut(link.to)
                && *own < behind
            {
                *own = behind;
            }
        }
    }
    // Who moves no money stands beside its contract partner.
    let moves = |id: PartyId| {
        links
            .iter()
            .any(|link| link.leads && (link.from == id || link.to == id))
    };
    for link in links.iter().filter(|link| !link.leads) {
        for (lone, partner) in [(link.from, link.to), (link.to, link.from)] {
            if !moves(lone) && moves(partner) {
                let beside = column.get(partner).copied().unwrap_or(0);
                if let Some(own) = column.get_mut(lone) {
                    *own = if beside == 0 { 1 } else { beside - 1 };
                }
            }
        }
    }
    column
}

fn reaches(links: &[&Link], from: PartyId, to: PartyId) -> bool {
    let mut seen = vec![from];
    let mut next = 0;
    while let Some(at) = seen.get(next).copied() {
        if at == to {
            return true;
        }
        next += 1;
        for link in links.iter().filter(|link| link.from == at) {
            if !seen.contains(&link.to) {
                seen.push(link.to);
            }
        }
    }
    false
}

struct Grid {
    column: Vec<usize>,
    /// Slots of each column from top to bottom.
    slots: Vec<Vec<Slot>>,
}

impl Grid {
    fn new(shown: &[bool], links: &[Link]) -> Grid {
        let column = columns_of(shown.len(), links);
        let columns = column.iter().max().map_or(1, |last| last + 1);
        let mut slots: Vec<Vec<Slot>> = vec![Vec::new(); columns];
        for (id, at) in column.iter().enumerate() {
            if let (Some(list), Some(true)) = (slots.get_mut(*at), shown.get(id)) {
                list.push(Slot::Party(id));
            }
        }
        for (number, link) in links.iter().enumerate() {
            let (low, high) = span(&column, link);
            for at in low + 1..high {
                if let Some(list) = slots.get_mut(at) {
                    list.push(Slot::Pass(number));
                }
            }
        }
        let mut grid = Grid { column, slots };
        // A few rounds towards the middle of the neighbours untangle most drawings.
        for round in 0..8 {
            for at in 1..columns {
                let at = if round % 2 == 0 { at } else { columns - 1 - at };
                let side = if round % 2 == 0 {
                    at.checked_sub(1)
                } else {
                    Some(at + 1)
                };
                grid.order(at, side, links);
            }
        }
        grid
    }

    fn order(&mut self, at: usize, side: Option<usize>, links: &[Link]) {
        let Some(side) = side.filter(|side| *side < self.slots.len()) else {
            return;
        };
        let Some(list) = self.slots.get(at).cloned() else {
            return;
        };
        let mut ranked: Vec<(i32, usize, Slot)> = list
            .iter()
            .enumerate()
            .map(|(position, slot)| (self.middle(*slot, side, links), position, *slot))
            .map(|(middle, position, slot)| {
                (middle.unwrap_or(count(position) * 1_000), position, slot)
            })
            .collect();
        ranked.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.cmp(&other.1)));
        if let Some(list) = self.slots.get_mut(at) {
            *list = ranked.into_iter().map(|(_, _, slot)| slot).collect();
        }
    }

    /// The mean position (in thousandths) within a neighbouring column of what a slot is joined to.
    fn middle(&self, slot: Slot, side: usize, links: &[Link]) -> Option<i32> {
        let neighbours = self.slots.get(side)?;
        let joined: Vec<i32> = neighbours
            .iter()
            .enumerate()
            .filter(|(_, other)| {
                links.iter().enumerate().any(|(number, link)| {
                    let on = |slot: Slot| match slot {
                        Slot::Party(id) => link.from == id || link.to == id,
                        Slot::Pass(pass) => pass == number,
                    };
                    on(slot) && on(**other)
                })
            })
            .map(|(position, _)| count(position) * 1_000)
            .collect();
        if joined.is_empty() {
            return None;
        }
        Some(joined.iter().sum::<i32>() / count(joined.len()))
    }
}

fn span(column: &[usize], link: &Link) -> (usize, usize) {
    let at = |id: PartyId| column.get(id).copied().unwrap_or(0);
    let (from, to) = (at(link.from), at(link.to));
    (from.min(to), from.max(to))
}

fn label_size(link: &Link) -> (i32, i32) {
    let widest = link.label.iter().map(|line| pixels(line)).fold(0, Ord::max);
    (widest + 14, count(link.label.len()) * LINE + 8)
}

/// Places boxes of the parties that are shown, lines and labels.
pub(super) fn layout(shown: &[bool], links: &[Link], names: &[[String; 2]]) -> Layout {
    let grid = Grid::new(shown, links);
    let size = |slot: &Slot| match slot {
        Slot::Party(_) => BOX_HEIGHT,
        Slot::Pass(_) => PASS,
    };
    let heights: Vec<i32> = grid
        .slots
        .iter()
        .map(|list| list.iter().map(|slot| size(slot) + ROW).sum::<i32>() - ROW)
        .collect();
    // Labels of a gap, from the left column of each line.
    let gaps: Vec<Vec<usize>> = (0..grid.slots.len())
        .map(|at| {
            let numbers = links.iter().enumerate();
            numbers
                .filter(|(_, link)| {
                    let (low, high) = span(&grid.column, link);
                    low == at && high > low
                })
                .map(|(number, _)| number)
                .collect()
        })
        .collect();
    let stack = |gap: &[usize]| {
        gap.iter()
            .filter_map(|number| links.get(*number))
            .map(|link| label_size(link).1 + 10)
            .sum::<i32>()
    };
    let tallest = heights
        .iter()
        .copied()
        .chain(gaps.iter().map(|gap| stack(gap)))
        .fold(BOX_HEIGHT, Ord::max);

    let mut boxes = vec![
        Placed {
            x: 0,
            y: 0,
            width: 0
        };
        shown.len()
    ];
    let mut passes: Vec<(usize, usize, Point, i32)> = Vec::new();
    let mut edges: Vec<(i32, i32)> = Vec::new();
    let mut x = MARGIN;
    for (at, list) in grid.slots.iter().enumerate() {
        let widest = list
            .iter()
            .filter_map(|slot| match slot {
                Slot::Party(id) => names.get(*id),
                Slot::Pass(_) => None,
            })
            .flatten()
            .map(|line| pixels(line))
            .fold(90, Ord::max)
            + 24;
        let mut y = MARGIN + (tallest - heights.get(at).copied().unwrap_or(0)) / 2;
        for slot in list {
            match slot {
                Slot::Party(id) => {
                    if let Some(place) = boxes.get_mut(*id) {
                        *place = Placed {
                            x,
                            y,
                            width: widest,
                        };
                    }
                }
                Slot::Pass(number) => {
                    let middle = Point { x, y: y + PASS / 2 };
                    passes.push((*number, at, middle, widest));
                }
            }
            y += size(slot) + ROW;
        }
        edges.push((x, x + widest));
        let labels = gaps.get(at).map_or(0, |gap| {
            gap.iter()
                .filter_map(|number| links.get(*number))
                .map(|link| label_size(link).0)
                .fold(0, Ord::max)
        });
        x += widest
            + if at + 1 < grid.slots.len() {
                labels + 2 * GAP
            } else {
                0
            };
    }
    let mut routes: Vec<Option<Route>> = links.iter().map(|_| None).collect();
    for (at, gap) in gaps.iter().enumerate() {
        place_gap(
            &grid,
            links,
            at,
            gap,
            &boxes,
            &passes,
            &edges,
            tallest,
            &mut routes,
        );
    }
    Layout {
        boxes,
        routes,
        width: x + MARGIN,
        height: tallest + 2 * MARGIN,
    }
}

/// Where on the side of a party a line begins or ends: lines of one side share it evenly.
fn port(
    links: &[Link],
    column: &[usize],
    boxes: &[Placed],
    party: PartyId,
    number: usize,
    right: bool,
) -> i32 {
    let at = |id: PartyId| column.get(id).copied().unwrap_or(0);
    let mut same: Vec<(i32, usize)> = links
        .iter()
        .enumerate()
        .filter_map(|(number, link)| {
            let other = if link.from == party {
                link.to
            } else if link.to == party {
                link.from
            } else {
                return None;
            };
            let behind = if right {
                at(other) > at(party)
            } else {
                at(other) < at(party)
            };
            // In the order of the other ends, so that lines do not cross at once.
            behind.then(|| (boxes.get(other).map_or(0, |place| place.y), number))
        })
        .collect();
    same.sort_unstable();
    let position = same
        .iter()
        .position(|(_, known)| *known == number)
        .unwrap_or(0);
    BOX_HEIGHT * (count(position) + 1) / (count(same.len()) + 1)
}

#[allow(
    clippy::too_many_arguments,
    reason = "one step of the layout, with all that is placed so far"
)]
fn place_gap(
    grid: &Grid,
    links: &[Link],
    at: usize,
    gap: &[usize],
    boxes: &[Placed],
    passes: &[(usize, usize, Point, i32)],
    edges: &[(i32, i32)],
    tallest: i32,
    routes: &mut [Option<Route>],
) {
    let (Some((_, right)), Some((left, _))) = (edges.get(at), edges.get(at + 1)) else {
        return;
    };
    let middle = (right + left) / 2;
    // The label wants to be half-way between the ends of its line in this gap.
    let mut wanted: Vec<(i32, usize, Vec<Point>)> = Vec::new();
    for number in gap {
        let Some(link) = links.get(*number) else {
            continue;
        };
        let column = |id: PartyId| grid.column.get(id).copied().unwrap_or(0);
        let forward = column(link.from) <= column(link.to);
        let (first, last) = if forward {
            (link.from, link.to)
        } else {
            (link.to, link.from)
        };
        let (Some(start), Some(end)) = (boxes.get(first), boxes.get(last)) else {
            continue;
        };
        let mut points = vec![Point {
            x: start.x + start.width,
            y: start.y + port(links, &grid.column, boxes, first, *number, true),
        }];
        let mut through: Vec<&(usize, usize, Point, i32)> =
            passes.iter().filter(|pass| pass.0 == *number).collect();
        through.sort_by_key(|pass| pass.1);
        for (_, _, point, width) in through {
            points.push(*point);
            points.push(Point {
                x: point.x + width,
                y: point.y,
            });
        }
        points.push(Point {
            x: end.x,
            y: end.y + port(links, &grid.column, boxes, last, *number, false),
        });
        let half = match points.as_slice() {
            [one, other, ..] => (one.y + other.y) / 2,
            _ => 0,
        };
        wanted.push((half, *number, points));
    }
    wanted.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.cmp(&other.1)));
    let sizes: Vec<(i32, i32)> = wanted
        .iter()
        .map(|(_, number, _)| links.get(*number).map_or((0, 0), label_size))
        .collect();
    let mut tops: Vec<i32> = Vec::new();
    let mut free = MARGIN;
    for ((half, _, _), (_, height)) in wanted.iter().zip(&sizes) {
        let top = (half - height / 2).max(free);
        free = top + height + 10;
        tops.push(top);
    }
    // What was pushed out at the bottom pushes the others up.
    let mut bottom = MARGIN + tallest;
    for (top, (_, height)) in tops.iter_mut().zip(&sizes).rev() {
        *top = (*top).min(bottom - *height);
        bottom = *top - 10;
    }
    for (((_, number, mut points), (label_width, height)), top) in
        wanted.into_iter().zip(sizes).zip(tops)
    {
        let label = Point {
            x: middle,
            y: top + height / 2,
        };
        points.insert(1, label);
        let backward = links.get(number).is_some_and(|link| {
            let column = |id: PartyId| grid.column.get(id).copied().unwrap_or(0);
            column(link.from) > column(link.to)
        });
        if backward {
            points.reverse();
        }
        if let Some(slot) = routes.get_mut(number) {
            *slot = Some(Route {
                points,
                label,
                label_width,
            });
        }
    }
}
