"""Records that people look at and nobody edits here: a list, and a page of our own per record."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.db.models import Model
from django.forms import Media
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.functional import cached_property

from sagas.admin.counting import CappedPaginator

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # at run time Django's is not generic


class ReadOnlyAdmin(_ModelAdmin):
    """What cannot be done has no button and no address: nobody may add, change or delete, superusers neither."""

    actions = None
    show_full_result_count = False
    show_facets = admin.ShowFacets.ALWAYS
    paginator = CappedPaginator
    list_per_page = 50
    list_max_show_all = 50
    sortable_by: ClassVar[tuple[str, ...]] = ()
    #: The template of a record's page; it extends `sagas/admin/page.html`.
    page_template = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def page_title(self, row: Any) -> str:
        """What the page of this record is called."""
        return str(row)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page's template shows besides the record itself (`original`)."""
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, str] | None = None) -> HttpResponse:
        """The list. A filter that no row could ever match (a NUL, the year 99999) is answered as Django answers wrong
        filters: with the whole list and a word that something was wrong with the address."""
        try:
            answer = super().changelist_view(request, extra_context)
            # Rendered here: facets count in the template.
            return answer.render() if isinstance(answer, TemplateResponse) else answer
        except (DataError, ValueError):
            if ERROR_FLAG in request.GET:
                raise
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record's page. The name is Django's: links to a record lead to its change view."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        context = {
            **self.admin_site.each_context(request),
            "title": self.page_title(row),
            "original": row,
            "opts": self.opts,
            "media": self.media,
            **self.page_context(request, row),
        }
        return TemplateResponse(request, self.page_template, context)

    def get_urls(self) -> list[URLPattern]:
        """The list and the pages; the addresses of Django's forms do not exist."""
        kept = ("_changelist", "_change")
        return [url for url in super().get_urls() if url.name is not None and url.name.endswith(kept)]

    @cached_property
    def media(self) -> Media:  # Django's adds the scripts of its forms; these pages have none
        return Media(css={"all": ["sagas/console.css"]})
