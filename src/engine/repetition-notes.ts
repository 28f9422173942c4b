/** What a summary says of work that was done more than once. */
export function repetitionNotes(preemptionCount: number, redrawCount: number): readonly string[] {
  const times = preemptionCount === 1 ? 'time' : 'times';
  return [
    ...(preemptionCount === 0
      ? []
      : [`was preempted for other requests ${preemptionCount} ${times}`]),
    ...(redrawCount === 0
      ? []
      : [`was drawn again ${redrawCount} times, because an answer violated its schema`]),
  ];
}
