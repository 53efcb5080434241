"""nbgrader's settings for this course: `nbgrader autograde`, feedback and the formgrader work as usual."""

import warnings

from sqlalchemy.exc import SAWarning

from autograder.grading.nbgrader_hook import install
from autograder.pages import safe_pages

warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader 0.9 with SQLAlchemy 2: harmless, and many

install()
safe_pages.install()
c = get_config()  # noqa: F821  (given by traitlets)

c.CourseDirectory.course_id = "recurrent-language-models"
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("not written yet")'}

# The kernel answers, the grader marks: see docs/design.md
c.Execute.kernel_name = "python3"  # the course's choice, whatever a notebook asks for
c.Execute.shutdown_kernel = "immediate"
c.LimitOutput.max_lines = 500
c.HTMLExporter.filters = safe_pages.FILTERS
c.HTMLExporter.default_preprocessors = []  # they would meet the notebook before it is safe
c.HTMLExporter.preprocessors = [  # the first makes the page safe, the others add what is the course's
    "autograder.pages.safe_pages.SafePage",
    "autograder.pages.safe_pages.WrappedLines",
    "autograder.pages.rubric.RubricInSight",
]

c.GenerateFeedback.exporter_class = "autograder.pages.feedback.FeedbackExporter"
c.FeedbackExporter.preprocessors = ["autograder.pages.safe_pages.SafePage"]

# What Moodle and Canvas give: see docs/instructor.md
c.ZipCollectApp.extractor_plugin = "autograder.intake.unpacking.BoundedExtractor"
c.ZipCollectApp.collector_plugin = "autograder.intake.collecting.RosterCollector"
c.ZipCollectApp.log_level = "WARN"  # else three lines for each file hide what is to be read
