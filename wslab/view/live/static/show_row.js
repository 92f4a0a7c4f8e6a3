/** Choose a row in the wire view of this page, if it is on show there. */
export function showRow(number) {
  const row = document.querySelector(`[data-wslab="wire-view"] [data-wslab-row="${number}"]`);
  if (!row) return false;
  row.click();
  row.closest('[data-wslab="wire-view"]').scrollIntoView({ block: "center" });
  return true;
}
